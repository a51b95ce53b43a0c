# SPDX-License-Identifier: Apache-2.0
"""What one process has of the cloud: each part made once, and only when something needs it.

The same parts make one process of everything, or one program of many machines.
"""

from __future__ import annotations

from functools import cached_property

from oslo_log import log as logging

from minicloud import exception
from minicloud.api import app as compute_app
from minicloud.api.deployment import Deployment
from minicloud.api.metadata import app as metadata_app
from minicloud.builtin.identity import app as identity_app
from minicloud.builtin.identity.service import Identity
from minicloud.builtin.image import app as image_app
from minicloud.builtin.image.service import ImageService
from minicloud.builtin.network import app as network_app
from minicloud.builtin.network.agent.service import NetworkAgentService
from minicloud.builtin.network.drivers.loader import BOOKS, choice, is_unplugged
from minicloud.builtin.network.service import NetworkService
from minicloud.cells import Cells
from minicloud.clients.identity import BuiltinIdentity
from minicloud.clients.image import BuiltinImages, ImageClient
from minicloud.clients.image_http import HttpImages
from minicloud.clients.network import BuiltinNetwork
from minicloud.clients.session import Service
from minicloud.cmd import credentials, http, index
from minicloud.cmd.backends import Backends
from minicloud.cmd.remembered import host_names
from minicloud.compute.service import ComputeService
from minicloud.conductor.service import ConductorService
from minicloud.consoles.service import KINDS, Kind, ProxyService
from minicloud.db.session import open_database
from minicloud.exception import ConfigurationError
from minicloud.periodic import Periodic
from minicloud.rpc.network_agent import NetworkAgentStub
from minicloud.rpc.scheduler import SchedulerStub
from minicloud.scheduler.service import SchedulerService
from minicloud.web.app import PathPrefix, Wsgi

LOG = logging.getLogger(__name__)


class Parts(Backends):
    """The parts of one process."""

    @cached_property
    def cells(self) -> Cells:
        return Cells(self.conf, self.api_db)

    @cached_property
    def scheduler(self) -> SchedulerStub:
        return SchedulerStub(self.transport)

    @cached_property
    def identity(self) -> Identity:
        return Identity(self.conf, self.identity_db)

    @cached_property
    def images(self) -> ImageService:
        return ImageService(self.conf, open_database(self.conf, "image"))

    @cached_property
    def image_client(self) -> ImageClient:
        """For the compute API, which is where the built-in image service is."""
        return self.http_images if self.conf.image.api == "http" else BuiltinImages(self.images)

    @cached_property
    def host_images(self) -> ImageClient | None:
        """For compute hosts; None when they reach none."""
        if self.conf.image.api == "http" or (self.conf.image.api == "auto" and not self.is_one_process):
            return self.http_images
        return BuiltinImages(self.images) if self.is_one_process else None

    @cached_property
    def http_images(self) -> HttpImages:
        return HttpImages(Service(self.conf, "image", http.public_url(self.conf), self._service_password))

    def _service_password(self) -> str:
        try:
            found = credentials.load(self.conf.state_dir)
        except credentials.CorruptPasswords as error:
            raise exception.ConfigurationError(reason=str(error)) from None
        if found is None:
            raise exception.ConfigurationError(
                reason=f"[service_auth] password is not set, and {self.conf.state_dir} has no passwords.json"
            )
        return found["minicloud"]

    @cached_property
    def network(self) -> BuiltinNetwork:
        return BuiltinNetwork(self.transport)

    @cached_property
    def periodic(self) -> Periodic:
        """One clock for all hosts of the process."""
        return Periodic()

    # --- front ends ---

    @cached_property
    def deployment(self) -> Deployment:
        return Deployment(
            conf=self.conf,
            api_db=self.api_db,
            cells=self.cells,
            scheduler=self.scheduler,
            identity=BuiltinIdentity(self.identity),
            images=self.image_client,
            network=self.network,
        )

    def compute_app(self) -> Wsgi:
        return compute_app.make_app(self.deployment, auth_url=http.auth_url(self.conf))

    def identity_app(self) -> Wsgi:
        return identity_app.make_app(
            self.conf, self.identity_db, identity=self.identity, auth_url=http.auth_url(self.conf)
        )

    def image_app(self) -> Wsgi:
        return image_app.make_app(
            self.conf,
            self.images.db,
            self.identity.authenticate,
            service=self.images,
            auth_url=http.auth_url(self.conf),
        )

    def network_app(self) -> Wsgi:
        return network_app.make_app(
            self.conf,
            self.network_db,
            self.identity.authenticate,
            self.scheduler.external_events,
            announce=NetworkAgentStub(self.transport).changed,
            auth_url=http.auth_url(self.conf),
        )

    def all_apps(self) -> Wsgi:
        """Every front end under its prefix, on one port."""
        apps = {
            "/compute": self.compute_app(),
            "/identity": self.identity_app(),
            "/image": self.image_app(),
            "/network": self.network_app(),
            "/metadata": metadata_app.make_app(self.deployment),
        }
        return PathPrefix(apps, index.make_app(apps))

    # --- services ---

    def network_service(self) -> NetworkService:
        return NetworkService(self.conf, self.network_db, self.scheduler.external_events, self.transport)

    def network_agent(self) -> NetworkAgentService:
        return NetworkAgentService(self.conf, self.conf.host, self.transport, periodic=self.periodic)

    def network_agents(self, count: int = 1) -> list[NetworkAgentService]:
        """The agent of this host, unless networks are books only.

        :param count: compute hosts of the process
        :raises ConfigurationError: when they are several, since one machine has one set of bridges
        """
        if choice(self.conf) == BOOKS:
            if is_unplugged(self.conf):
                LOG.warning("Guests have no network: that takes root. See the option [network] driver.")
            return []
        if count > 1:
            raise ConfigurationError(
                f"{count} hosts in one process cannot share this machine's network devices. Start one host, or say "
                f"[network] driver = {BOOKS}."
            )
        return [self.network_agent()]

    def conductor_service(self) -> ConductorService:
        return ConductorService(
            self.conf, self.cell_db, self.cell_transport, network=self.network, periodic=self.periodic
        )

    def scheduler_service(self) -> SchedulerService:
        return SchedulerService(self.conf, self.api_db, self.cells)

    def compute_services(self, count: int = 1) -> list[ComputeService]:
        """One host, or several of them named after it."""
        images = self.host_images
        return [
            ComputeService(self.conf, each, self.cell_transport, self.network, periodic=self.periodic, images=images)
            for each in host_names(str(self.conf.host), count)
        ]

    def http_service(self) -> http.HttpService:
        return http.HttpService(self.conf, self.all_apps())

    def console_services(self) -> list[ProxyService]:
        """The proxies of a process that has everything, as far as they are switched on."""
        return [self.console_service(kind, may_move=True) for kind in KINDS if self.conf[kind.group].enabled]

    def console_service(self, kind: Kind, *, may_move: bool = False) -> ProxyService:
        return ProxyService(self.conf, self.cells, kind, may_move=may_move)


def close(parts: Parts) -> None:
    """Let go of the databases and transports that some parts have opened."""
    opened = vars(parts)
    for name in ("api_db", "cell_db", "identity_db", "network_db"):
        if name in opened:
            opened[name].dispose()
    if "images" in opened:
        parts.images.db.dispose()
    if "cells" in opened:
        parts.cells.close()
    for transport in {opened[name] for name in ("transport", "cell_transport") if name in opened}:
        transport.cleanup()
