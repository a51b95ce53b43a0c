# SPDX-License-Identifier: Apache-2.0
"""Routers on one host, each in a namespace of its own, and the host's own way to the networks outside."""
