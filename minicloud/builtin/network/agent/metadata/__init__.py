# SPDX-License-Identifier: Apache-2.0
"""The way from guests to the metadata service: in each network's namespace something listens at 169.254.169.254."""
