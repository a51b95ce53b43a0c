# SPDX-License-Identifier: Apache-2.0
"""Whole clouds with real guests on networks that carry packets, as a user meets them."""
