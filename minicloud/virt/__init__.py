# SPDX-License-Identifier: Apache-2.0
"""Hypervisors: a small driver core, roles for what only some can do, and the drivers."""
