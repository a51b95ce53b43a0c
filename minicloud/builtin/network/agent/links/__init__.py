# SPDX-License-Identifier: Apache-2.0
"""What connects: bridges on a host, and tunnels between hosts."""
