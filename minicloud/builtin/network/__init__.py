# SPDX-License-Identifier: Apache-2.0
"""The built-in network service: Neutron's v2.0 API over books of our own."""
