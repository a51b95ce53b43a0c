# SPDX-License-Identifier: Apache-2.0
"""The host: how libvirt is reached there, what it can do, what it offers, and what of it is given to whom."""
