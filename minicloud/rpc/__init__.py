# SPDX-License-Identifier: Apache-2.0
"""How the parts talk: oslo.messaging, one typed stub per server."""
