# SPDX-License-Identifier: Apache-2.0
"""The built-in image service: Glance v2 for clients, a directory of files behind it."""
