# SPDX-License-Identifier: Apache-2.0
"""Interfaces of containers: what they are given, the devices, and when they are plugged in."""
