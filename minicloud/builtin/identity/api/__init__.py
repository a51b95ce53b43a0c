# SPDX-License-Identifier: Apache-2.0
"""Keystone's v3 API: one module per resource, put together in ``routes``."""
