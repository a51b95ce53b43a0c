# SPDX-License-Identifier: Apache-2.0
"""How what the books say becomes real on a host."""
