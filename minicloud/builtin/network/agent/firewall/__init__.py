# SPDX-License-Identifier: Apache-2.0
"""Security groups on one host: what may reach a guest, what it may send, and as whom."""
