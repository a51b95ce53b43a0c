# SPDX-License-Identifier: Apache-2.0
"""/flavors, their extra specs and access: https://docs.openstack.org/api-ref/compute/#flavors"""

from minicloud.api.v21.flavors import access, controller, extra_specs
from minicloud.api.v21.flavors.policy import RULES

OPERATIONS = (*controller.OPERATIONS, *extra_specs.OPERATIONS, *access.OPERATIONS)

__all__ = ["OPERATIONS", "RULES"]
