# SPDX-License-Identifier: Apache-2.0
"""The core of the fake driver: guests are entries of a store, everything else is as the configuration says."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from oslo_config import cfg

from minicloud import exception
from minicloud.objects import ComputeNode
from minicloud.states import Power
from minicloud.virt.driver import ComputeDriver, Order, SpawnOrder
from minicloud.virt.fake.faults import Faults
from minicloud.virt.fake.lines import Consoles
from minicloud.virt.fake.store import Guest, GuestStore

#: Namespace of the nodes' ids, so that a host keeps its id when its records are lost.
_NODES = uuid.UUID("6f4f6b1e-54f0-4f0c-9a5e-0d7c6e1f0a11")

#: What a guest's console remembers at most.
_HISTORY = 50


class FakeHypervisor(ComputeDriver):
    """The core of one fake host."""

    def __init__(self, conf: cfg.ConfigOpts, host: str) -> None:
        super().__init__(conf, host)
        self._store = GuestStore(Path(conf.state_dir) / "fake" / host)
        self._faults = Faults(conf.fake, host)
        self._consoles = Consoles()

    def init_host(self) -> None:
        self._store.load()

    def cleanup_host(self) -> None:
        self._consoles.end_all()

    def nodes(self) -> list[ComputeNode]:
        options = self.conf.fake
        return [
            ComputeNode(
                uuid=str(uuid.uuid5(_NODES, self.host)),
                host=self.host,
                hypervisor_hostname=self.host,
                hypervisor_type="fake",
                cpu_info={"arch": "x86_64", "model": "fake", "vendor": "minicloud", "features": [], "topology": {}},
                vcpus=options.vcpus,
                memory_mb=options.memory_mb,
                local_gb=options.local_gb,
                supported_instances=(("x86_64", "fake", "hvm"),),
                traits=tuple(options.traits),
                stats=dict(options.stats),
            )
        ]

    def guests(self) -> Mapping[str, Power]:
        return {guest.uuid: Power(guest.power) for guest in self._store.all()}

    def power_state(self, instance_uuid: str) -> Power:
        return Power(self._guest(instance_uuid).power)

    def spawn(self, order: SpawnOrder) -> None:
        if order.purpose == "build":
            self._faults.build(order)
        else:
            self._faults.action(order, order.purpose)
        self._put(order)

    def destroy(self, order: Order) -> None:
        if self._store.get(order.instance.uuid) is not None:
            self._faults.action(order, "delete")
            self._store.remove(order.instance.uuid)
            self._consoles.end(order.instance.uuid)

    def power_on(self, order: Order) -> None:
        self._change(order, "start", Power.RUNNING, "boot")

    def power_off(self, order: Order) -> None:
        self._change(order, "stop", Power.SHUTDOWN, "shutdown")

    def reboot(self, order: Order, *, hard: bool) -> None:
        self._change(order, "reboot", Power.RUNNING, *(("boot",) if hard else ("restart", "boot")))

    def _put(self, order: SpawnOrder) -> None:
        """A guest as its instance says, just booted."""
        instance = order.instance
        known = self._store.get(instance.uuid)
        history = known.history if known is not None and order.purpose != "build" else ()
        self._store.put(
            Guest(
                uuid=instance.uuid,
                name=instance.display_name,
                flavor=instance.flavor.name,
                vcpus=instance.flavor.vcpus,
                memory_mb=instance.flavor.memory_mb,
                image=instance.image_id,
                power=Power.RUNNING,
                macs=tuple(vif.mac_address for vif in order.vifs),
                history=(*history, "boot")[-_HISTORY:],
                booted_at=time.time(),
            )
        )

    def _guest(self, instance_uuid: str) -> Guest:
        guest = self._store.get(instance_uuid)
        if guest is None:
            raise exception.GuestNotFound(instance_uuid=instance_uuid)
        return guest

    def _change(self, order: Order, verb: str, power: Power, *events: str) -> None:
        guest = self._before(order, verb)
        changes: dict[str, Any] = {"power": int(power), "history": (*guest.history, *events)[-_HISTORY:]}
        if "boot" in events:
            changes["booted_at"] = time.time()
        self._store.put(msgspec.structs.replace(guest, **changes))
        if power not in (Power.RUNNING, Power.PAUSED):
            self._consoles.end(guest.uuid)

    def _before(self, order: Order, verb: str) -> Guest:
        """The guest, after the verb's delay and faults."""
        self._guest(order.instance.uuid)
        self._faults.action(order, verb)
        return self._guest(order.instance.uuid)
