# SPDX-License-Identifier: Apache-2.0
"""/os-server-groups: https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups"""

from minicloud.api.v21.server_groups.controller import OPERATIONS
from minicloud.api.v21.server_groups.policy import RULES

__all__ = ["OPERATIONS", "RULES"]
