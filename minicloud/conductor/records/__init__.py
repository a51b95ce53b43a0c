# SPDX-License-Identifier: Apache-2.0
"""One small endpoint per entity; each method is one transaction, tried again after a deadlock."""

from minicloud.conductor.records.base import Endpoint
from minicloud.conductor.records.compute_nodes import ComputeNodesEndpoint
from minicloud.conductor.records.instances import InstancesEndpoint
from minicloud.conductor.records.migrations import MigrationsEndpoint
from minicloud.conductor.records.services import ServicesEndpoint

ENDPOINTS: tuple[type[Endpoint], ...] = (InstancesEndpoint, ServicesEndpoint, ComputeNodesEndpoint, MigrationsEndpoint)
