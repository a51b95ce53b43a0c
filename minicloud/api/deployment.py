# SPDX-License-Identifier: Apache-2.0
"""What the handlers of the compute API work with: ``call.app``."""

from __future__ import annotations

from dataclasses import dataclass

from oslo_config import cfg

from minicloud.cells import Cells
from minicloud.clients.identity import IdentityClient
from minicloud.clients.image import ImageClient
from minicloud.clients.network import NetworkClient
from minicloud.db.session import Database
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.web.operation import Call


@dataclass(frozen=True, slots=True)
class Deployment:
    """The databases, stubs and neighbours of one API process."""

    conf: cfg.ConfigOpts
    api_db: Database
    cells: Cells
    scheduler: SchedulerStub
    identity: IdentityClient
    images: ImageClient
    network: NetworkClient


#: One request to the compute API.
ApiCall = Call[Deployment]
