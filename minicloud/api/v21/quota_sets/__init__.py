# SPDX-License-Identifier: Apache-2.0
"""/os-quota-sets and /os-quota-class-sets: https://docs.openstack.org/api-ref/compute/#quota-sets-os-quota-sets"""

from minicloud.api.v21.quota_sets import classes, controller
from minicloud.api.v21.quota_sets.policy import RULES

OPERATIONS = (*controller.OPERATIONS, *classes.OPERATIONS)

__all__ = ["OPERATIONS", "RULES"]
