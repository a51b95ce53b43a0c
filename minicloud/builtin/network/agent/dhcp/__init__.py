# SPDX-License-Identifier: Apache-2.0
"""Addresses, names and routes for guests: one dnsmasq for each network, in a namespace of its own."""
