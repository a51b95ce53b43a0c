# SPDX-License-Identifier: Apache-2.0
"""The compute API: the only door. HTTP stops here."""
