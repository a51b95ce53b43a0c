# SPDX-License-Identifier: Apache-2.0
"""One host as the scheduler sees it, its own decisions included."""

from __future__ import annotations

from dataclasses import dataclass, field

from minicloud.db.api.placement import Inventory, Provider
from minicloud.objects import Aggregate, ComputeNode, HostChoice, Service
from minicloud.placement import resources


@dataclass(slots=True)
class HostState:
    """A compute node with its service, aggregates, use and servers; changed only under the view's lock."""

    node: ComputeNode
    provider: Provider
    has: dict[str, Inventory]
    service: Service | None = None
    #: Why an operator keeps servers away, if so.
    barred: str | None = None
    aggregates: tuple[Aggregate, ...] = ()
    zone: str = ""
    used: dict[str, int] = field(default_factory=dict)
    #: Instance -> project.
    instances: dict[str, str] = field(default_factory=dict)
    #: Those of them that are being built or moved.
    busy: set[str] = field(default_factory=set)
    failed_builds: int = 0

    @property
    def host(self) -> str:
        return self.node.host

    @property
    def name(self) -> str:
        """The node's name, unique in the cloud."""
        return self.node.hypervisor_hostname

    @property
    def choice(self) -> HostChoice:
        return HostChoice(
            host=self.host, node=self.name, cell_uuid=self.provider.cell_uuid, provider_uuid=self.provider.uuid
        )

    def free(self, resource_class: str) -> int:
        inventory = self.has.get(resource_class)
        return 0 if inventory is None else inventory.capacity - self.used.get(resource_class, 0)

    def shortage(self, wanted: dict[str, int]) -> str | None:
        """Why the wanted amounts do not fit; None when they do."""
        return resources.shortage(wanted, self.has, self.used)

    def consume(self, uuid: str, project_id: str, taken: dict[str, int]) -> None:
        """Count a server that was just decided to go here."""
        for name, amount in taken.items():
            self.used[name] = self.used.get(name, 0) + amount
        self.instances[uuid] = project_id
        self.busy.add(uuid)

    def give_back(self, uuid: str, taken: dict[str, int]) -> None:
        """The inverse of :meth:`consume`."""
        for name, amount in taken.items():
            self.used[name] = max(0, self.used.get(name, 0) - amount)
        self.instances.pop(uuid, None)
        self.busy.discard(uuid)

    def metadata(self, key: str) -> set[str]:
        """What the aggregates of this host say under a key; alternatives are separated by commas."""
        values = [one.metadata[key] for one in self.aggregates if key in one.metadata]
        return {part.strip() for value in values for part in value.split(",")}
