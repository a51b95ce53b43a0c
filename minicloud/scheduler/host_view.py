# SPDX-License-Identifier: Apache-2.0
"""All hosts in memory: read now and then, corrected by every claim, shared by all requests in flight.

The claim in the database is the truth. This view exists so that choosing is quick and so that
requests at the same time spread instead of meeting on one host; when it is out of date, a
claim is refused, the refusal brings the numbers, and the request chooses again.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from oslo_config import cfg
from oslo_log import log as logging

from minicloud import states
from minicloud.cells import Cell, Cells
from minicloud.db.api import aggregates, mappings
from minicloud.db.api import placement as placement_db
from minicloud.db.api.placement import Inventory, Provider
from minicloud.db.cell import compute_nodes, instances, services
from minicloud.db.cell.instances import Placed
from minicloud.db.session import Database
from minicloud.objects import Aggregate, ComputeNode, Service
from minicloud.placement import providers, resources, zones
from minicloud.placement.liveness import is_up
from minicloud.scheduler.host_state import HostState
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

BINARY = "minicloud-compute"

#: Seconds for which a failed build is held against a host.
FAILURE_MEMORY = 600.0

_MOVING = states.BUILDING | {"resize_prep", "resize_migrating", "rebuilding", "migrating", "image_snapshot"}


@dataclass(frozen=True, slots=True)
class _CellRows:
    """What one cell's database says of its hosts."""

    nodes: list[ComputeNode]
    services: dict[str, Service]
    placed: list[Placed]


@dataclass(slots=True)
class _TopRows:
    """What the API database says of all hosts."""

    providers: dict[str, Provider]
    inventories: dict[str, dict[str, Inventory]]
    usages: dict[str, dict[str, int]]
    aggregates: list[Aggregate]
    fingerprint: tuple[object, ...]
    hosts: dict[str, str] = field(default_factory=dict)


class HostView:
    """The hosts of all cells; whoever reads or changes a :class:`HostState` holds :attr:`lock`."""

    def __init__(self, conf: cfg.ConfigOpts, api_db: Database, cells: Cells) -> None:
        self._conf = conf
        self._api_db = api_db
        self._cells = cells
        self.lock = threading.RLock()
        self._reading = threading.Lock()
        self._began = 0.0
        self._hosts: dict[str, HostState] = {}
        self._fingerprint: tuple[object, ...] = ()
        self._failures: dict[str, list[float]] = defaultdict(list)

    def hosts(self) -> list[HostState]:
        """All of them, by name."""
        return [self._hosts[uuid] for uuid in sorted(self._hosts, key=lambda uuid: self._hosts[uuid].name)]

    def by_provider(self, uuid: str) -> HostState | None:
        return self._hosts.get(uuid)

    def any_up(self) -> bool:
        """Whether some host could carry a server now."""
        return self._any(lambda host: host.barred is None)

    def any_alive(self) -> bool:
        """Whether some host is there, even if it is disabled."""
        return self._any(lambda host: True)

    def _any(self, counts: Callable[[HostState], bool]) -> bool:
        if not self._began or not self._hosts:
            self.refresh()
        with self.lock:
            found = [host.service for host in self._hosts.values() if host.service and counts(host)]
        return any(is_up(one, now(), self._conf.service_down_time) for one in found)

    # --- reading ---

    def refresh(self, *, since: float | None = None) -> None:
        """Read everything anew.

        :param since: monotonic moment; a reading that began after it is good enough
        """
        with self._reading:
            if since is not None and self._began > since:
                return
            self._began = time.monotonic()
            rows = self._cells.scatter(_read_cell, self._cells.all(disabled=False))
            top = self._read_top()
            self._discover(rows.answers, top)
            fresh = self._build(rows.answers, top)
            with self.lock:
                self._hosts = fresh
                self._fingerprint = top.fingerprint

    def look(self) -> None:
        """What every request must know: which hosts operators bar, and which aggregates there are."""
        if not self._began:
            self.refresh()
        barred = self._cells.scatter(_read_barred, self._cells.all(disabled=False)).answers
        with self._api_db.reader() as conn:
            fingerprint = aggregates.fingerprint(conn)
            changed = None if fingerprint == self._fingerprint else aggregates.find_all(conn)
        with self.lock:
            for host in self._hosts.values():
                host.barred = barred.get(host.provider.cell_uuid, {}).get(host.host)
            if changed is not None:
                self._join(self._hosts.values(), changed)
                self._fingerprint = fingerprint

    def _read_top(self) -> _TopRows:
        with self._api_db.reader() as conn:
            return _TopRows(
                {one.name: one for one in placement_db.providers(conn)},
                placement_db.inventories(conn),
                placement_db.usages(conn),
                aggregates.find_all(conn),
                aggregates.fingerprint(conn),
                mappings.hosts(conn),
            )

    def _discover(self, answers: dict[str, _CellRows], top: _TopRows) -> None:
        """Hosts whose news never came, or came to another scheduler: map them, keep their inventories."""
        for cell_uuid, rows in answers.items():
            for node in rows.nodes:
                provider = top.providers.get(node.hypervisor_hostname)
                same = provider is not None and (provider.host, provider.cell_uuid) == (node.host, cell_uuid)
                known = same and top.hosts.get(node.host) == cell_uuid
                if known and provider and top.inventories.get(provider.uuid, {}) == resources.of_node(node):
                    continue
                kept = self._keep(node, cell_uuid)
                top.providers[kept.name] = kept
                top.inventories[kept.uuid] = resources.of_node(node)

    def _keep(self, node: ComputeNode, cell_uuid: str) -> Provider:
        return providers.keep_node(self._api_db, node, cell_uuid)[0]

    def _build(self, answers: dict[str, _CellRows], top: _TopRows) -> dict[str, HostState]:
        fresh: dict[str, HostState] = {}
        for rows in answers.values():
            placed: dict[str, list[Placed]] = defaultdict(list)
            for one in rows.placed:
                placed[one.host].append(one)
            for node in rows.nodes:
                provider = top.providers[node.hypervisor_hostname]
                here = placed[node.host]
                fresh[provider.uuid] = HostState(
                    node=node,
                    provider=provider,
                    has=top.inventories.get(provider.uuid, {}),
                    service=rows.services.get(node.host),
                    barred=_barred(rows.services.get(node.host)),
                    used=top.usages.get(provider.uuid, {}),
                    instances={one.uuid: one.project_id for one in here},
                    busy={one.uuid for one in here if one.task_state in _MOVING},
                    failed_builds=max(node.failed_builds, self._recent_failures(node.host)),
                )
        self._join(fresh.values(), top.aggregates)
        return fresh

    def _join(self, hosts: Iterable[HostState], found: list[Aggregate]) -> None:
        zone = zones.zones_of(found)
        for host in hosts:
            host.aggregates = tuple(one for one in found if host.host in one.hosts)
            host.zone = zone.get(host.host, self._conf.default_availability_zone)

    # --- what is heard ---

    def node_changed(self, node: ComputeNode, cell_uuid: str) -> None:
        """A host is new or has other capacity."""
        provider = self._keep(node, cell_uuid)
        with self.lock:
            known = self._hosts.get(provider.uuid)
            if known is not None:
                known.node = node
                known.provider = provider
                known.has = resources.of_node(node)
                return
        self.refresh(since=time.monotonic())

    def correct(self, usages: dict[str, dict[str, int]]) -> None:
        """Use as a claim has just seen it."""
        with self.lock:
            for uuid, used in usages.items():
                if uuid in self._hosts:
                    self._hosts[uuid].used = dict(used)

    def forget(self, instance_uuid: str, taken: dict[str, int]) -> None:
        """A server is gone."""
        with self.lock:
            for host in self._hosts.values():
                if instance_uuid in host.instances:
                    host.give_back(instance_uuid, taken)

    def build_failed(self, host: str) -> None:
        """Hold a failed build against a host, for a while."""
        with self.lock:
            self._failures[host].append(time.monotonic())
            recent = self._recent_failures(host)
            for one in self._hosts.values():
                if one.host == host:
                    one.failed_builds = max(one.node.failed_builds, recent)

    def _recent_failures(self, host: str) -> int:
        with self.lock:
            oldest = time.monotonic() - FAILURE_MEMORY
            if host in self._failures:
                self._failures[host] = [moment for moment in self._failures[host] if moment > oldest][-100:]
            return len(self._failures.get(host, ()))


def _read_cell(cell: Cell) -> _CellRows:
    with cell.db.reader() as conn:
        found = {one.host: one for one in services.find(conn, binary=BINARY)}
        return _CellRows(compute_nodes.find(conn), found, instances.placed(conn))


def _read_barred(cell: Cell) -> dict[str, str]:
    with cell.db.reader() as conn:
        return services.barred_hosts(conn, BINARY)


def _barred(service: Service | None) -> str | None:
    if service is None or not (service.disabled or service.forced_down):
        return None
    return "forced down" if service.forced_down else f"disabled: {service.disabled_reason or ''}"
