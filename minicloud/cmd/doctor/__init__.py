# SPDX-License-Identifier: Apache-2.0
"""``minicloud doctor``: what the records say and what this machine has are compared, and mended on request."""
