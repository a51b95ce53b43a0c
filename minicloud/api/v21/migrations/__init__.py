# SPDX-License-Identifier: Apache-2.0
"""/os-migrations: https://docs.openstack.org/api-ref/compute/#migrations-os-migrations, and those of one server."""

from minicloud.api.v21.migrations import controller, of_server

__all__ = ["OPERATIONS", "RULES"]

OPERATIONS = (*controller.OPERATIONS, *of_server.OPERATIONS)
RULES = (*controller.RULES, *of_server.RULES)
