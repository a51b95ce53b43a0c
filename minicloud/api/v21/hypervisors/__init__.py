# SPDX-License-Identifier: Apache-2.0
"""/os-hypervisors: https://docs.openstack.org/api-ref/compute/#hypervisors-os-hypervisors"""

from minicloud.api.v21.hypervisors.controller import OPERATIONS
from minicloud.api.v21.hypervisors.policy import RULES

__all__ = ["OPERATIONS", "RULES"]
