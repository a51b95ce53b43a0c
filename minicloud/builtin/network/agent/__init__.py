# SPDX-License-Identifier: Apache-2.0
"""Makes real on one host what the books say: bridges, tunnels, firewall, DHCP, routers, metadata."""
