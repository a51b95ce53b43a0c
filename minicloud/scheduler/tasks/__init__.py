# SPDX-License-Identifier: Apache-2.0
"""Long flows that need a host, each a class with execute and rollback."""
