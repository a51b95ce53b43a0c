# SPDX-License-Identifier: Apache-2.0
"""/os-aggregates: https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates"""

from minicloud.api.v21.aggregates.controller import OPERATIONS
from minicloud.api.v21.aggregates.policy import RULES

__all__ = ["OPERATIONS", "RULES"]
