# SPDX-License-Identifier: Apache-2.0
"""/os-services: https://docs.openstack.org/api-ref/compute/#compute-services-os-services"""

from minicloud.api.v21.services.controller import OPERATIONS
from minicloud.api.v21.services.policy import RULES

__all__ = ["OPERATIONS", "RULES"]
