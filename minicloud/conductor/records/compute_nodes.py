# SPDX-License-Identifier: Apache-2.0
"""Hypervisor nodes, as their hosts report them."""

from __future__ import annotations

from minicloud.conductor.records.base import Endpoint
from minicloud.context import RequestContext
from minicloud.db.cell import compute_nodes
from minicloud.db.session import retry_on_race
from minicloud.objects import ComputeNode
from minicloud.rpc.conductor import ConductorStub
from minicloud.web.moments import now


class ComputeNodesEndpoint(Endpoint):
    STUB = ConductorStub

    def save_compute_node(self, ctxt: RequestContext, node: ComputeNode) -> ComputeNode:
        @retry_on_race
        def step() -> ComputeNode:
            with self._db.writer() as conn:
                return compute_nodes.save(conn, node, now())

        return step()
