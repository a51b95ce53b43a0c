# SPDX-License-Identifier: Apache-2.0
"""/os-keypairs: https://docs.openstack.org/api-ref/compute/#keypairs-keypairs"""

from minicloud.api.v21.keypairs.controller import OPERATIONS
from minicloud.api.v21.keypairs.policy import RULES

__all__ = ["OPERATIONS", "RULES"]
