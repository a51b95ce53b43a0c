# SPDX-License-Identifier: Apache-2.0
"""How compute reaches its neighbours: one seam each, behind it the real service or the built-in one."""
