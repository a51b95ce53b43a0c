# SPDX-License-Identifier: Apache-2.0
"""The pieces of setting up a cloud, for its first start and for ``minicloud-manage``."""
