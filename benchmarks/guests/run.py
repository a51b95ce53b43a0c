# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks --driver``: real guests, one alone and several at once, from a new image and a known one."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.client import Refused
from benchmarks.guests.bare import Steps, timed
from benchmarks.guests.cloud import KINDS, GuestCloud, Kind, make_image
from benchmarks.guests.watch import Banner, Built, Console, Log
from benchmarks.measures import SERVERS, Bench
from benchmarks.table import Row, line

#: Seconds between two looks at log and consoles, and between two at the API, which the cloud has to answer.
_PACE = 0.03
_ASK = 0.3

#: Seconds until all guests answer.
PATIENCE = 1800.0

#: What a guest says on its console when DHCP has given it an address.
_HAS_ADDRESS = " has 10.160."

#: Step of a boot -> the step of the floor it is compared with. In the order of the table; a step that a driver
#: does not have is left out.
STEPS: dict[str, str] = {
    "request answered": "",
    "host begins": "",
    "host: waiting": "",
    "host: network": "",
    "host: image": "image",
    "host: disks": "disks",
    "host: define": "define",
    "host: start": "start",
    "host: ports up": "",
    "ACTIVE": "ACTIVE",
    "console's first line": "first line",
    "DHCP lease": "",
    "SSH": "SSH",
}


@dataclass(slots=True)
class Guest:
    """One that boots, and what was seen of it by now."""

    uuid: str
    console: Console
    address: str = ""
    banner: Banner | None = None
    built: Built | None = None

    def steps(self, began: float, answered: float) -> Steps:
        """Seconds: since the request, but for those of the host, which are parts of its time."""
        assert self.built is not None
        assert self.banner is not None and self.banner.at is not None
        host_begins = self.built.at - self.built.total
        found = {"request answered": answered - began, "host begins": host_begins - began}
        found |= {f"host: {name}": seconds for name, seconds in self.built.stages.items()}
        found |= {"ACTIVE": self.built.at - began, "SSH": self.banner.at - began}
        for name, text in (("console's first line", ""), ("DHCP lease", _HAS_ADDRESS)):
            if text in self.console.seen:
                found[name] = self.console.seen[text] - began
        return found


class GuestBench(Bench):
    """A cloud with real guests, and what is needed to boot them."""

    def __init__(self, cloud: GuestCloud, kind: Kind) -> None:
        super().__init__(cloud)
        self._guests = cloud
        self._kind = kind
        flavor = {"name": "bench", "ram": kind.memory, "vcpus": 1, "disk": 1}
        self._flavor = self.client.post("/compute/v2.1/flavors", {"flavor": flavor})["flavor"]["id"]
        group = self.client.get("/network/v2.0/security-groups?name=default")["security_groups"]
        mine = next(one["id"] for one in group if one["project_id"] == self.project)
        ssh = {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "ethertype": "IPv4"}
        rule = {"security_group_id": mine, "direction": "ingress", **ssh}
        self.client.post("/network/v2.0/security-group-rules", {"security_group_rule": rule})

    def upload(self, path: Path) -> None:
        """A new image, of which the next guests are."""
        values = {"name": "bench", "visibility": "private", **self._kind.image}
        self._image = self.client.post("/image/v2/images", values)["id"]
        self.client.put_file(f"/image/v2/images/{self._image}/file", path)

    def boot_several(self, count: int) -> list[Steps]:
        """Boot by one request, and wait until every guest answers by SSH.

        :raises Refused: when one is in ERROR, or does not answer in time
        """
        log = Log(self._guests.log)
        began = time.time()
        self.boot(count=count)
        answered = time.time()
        guests: dict[str, Guest] = {}
        end, ask = time.monotonic() + PATIENCE, 0.0
        try:
            while not self._are_there(guests, count):
                if time.monotonic() > end:
                    raise Refused(f"not all of {count} guests answer by SSH after {PATIENCE:.0f} s")
                if time.monotonic() >= ask:
                    self._ask(guests)
                    ask = time.monotonic() + _ASK
                for found in log.news():
                    self._guest(guests, found.uuid).built = found
                time.sleep(_PACE)
        finally:
            for guest in guests.values():
                if guest.banner is not None:
                    guest.banner.give_up()
        return [guest.steps(began, answered) for guest in guests.values()]

    def _guest(self, guests: dict[str, Guest], uuid: str) -> Guest:
        console = Console(self._guests.instances / uuid / "console.log")
        return guests.setdefault(uuid, Guest(uuid, console))

    def _are_there(self, guests: Mapping[str, Guest], count: int) -> bool:
        consoles = [guest.console.look("", _HAS_ADDRESS) for guest in guests.values()] if self._kind.is_machine else []
        seen = [guest.built is not None and guest.banner is not None and guest.banner.at for guest in guests.values()]
        return len(seen) == count and all(seen) and all(consoles)

    def _ask(self, guests: dict[str, Guest]) -> None:
        """Learn addresses, and begin to knock."""
        namespace = f"/run/netns/mcdhcp-{self._network}"
        for server in self.client.get(f"{SERVERS}/detail")["servers"]:
            if server["status"] == "ERROR":
                raise Refused(f"a server is in ERROR: {server.get('fault')}\n{self._guests.log.read_text()[-4000:]}")
            guest = self._guest(guests, server["id"])
            held = [one["addr"] for several in server["addresses"].values() for one in several]
            if guest.banner is None and held:
                guest.banner = Banner(namespace, held[0])
                guest.banner.start()


@dataclass(slots=True)
class Run:
    """All of it."""

    kind: Kind
    count: int
    rounds: int
    say: Callable[[str], None]
    rows: list[Row] = field(default_factory=list)
    #: Of one alone and of several at once: step -> ms.
    floors: dict[int, dict[str, float]] = field(default_factory=dict)

    def add(self, *args: Any, **more: Any) -> None:
        row = Row(*args, **more)
        self.rows.append(row)
        self.say(line(row))

    def everything(self, folder: Path, image: Path | None) -> None:
        """
        :raises Unfit: when this machine is not for it
        """
        cloud = GuestCloud(folder, self.kind)
        guest = folder / "guest"
        if image is None:
            make_image(self.kind, guest, lambda step: print(step, file=sys.stderr, flush=True))
        else:
            shutil.copyfile(image, guest)
        self.add("load of the machine before", os.getloadavg()[0], "")
        self._bare(cloud, guest)
        with cloud:
            self.add(f"start, {cloud.FRESH}", cloud.start(), "s", cpu=cloud.cpu_seconds() * 1000)
            self.add("memory, idle", cloud.memory_mb(), "MB")
            self._guests(GuestBench(cloud, self.kind), guest)
            self.add("memory, after all that", cloud.memory_mb(), "MB")
            self.add("memory, at most", cloud.most_memory_mb(), "MB")
        self.add("load of the machine after", os.getloadavg()[0], "")

    def _bare(self, cloud: GuestCloud, image: Path) -> None:
        with cloud.floor(image) as bare:
            taken = timed(bare.take_in) * 1000
            self.add("floor: image", taken, "ms")
            for count in sorted({1, self.count}):
                several = [bare.several(count) for _ in range(self.rounds if count == 1 else 1)]
                found = table([one for each in several for one in each])
                self.floors[count] = {"image": taken, **{name: median for name, (median, _most) in found.items()}}
                for name, (median, most) in found.items():
                    self.add(f"floor: {count}, {name}", median, "ms", most=most)

    def _guests(self, bench: GuestBench, image: Path) -> None:
        for count in sorted({1, self.count}):
            rounds = self.rounds if count == 1 else 1
            for is_new in (True, False):
                self._boots(bench, image, count, rounds, is_new=is_new)

    def _boots(self, bench: GuestBench, image: Path, count: int, rounds: int, *, is_new: bool) -> None:
        found: list[Steps] = []
        cpu = 0.0
        for _ in range(rounds):
            if is_new:
                bench.upload(image)
            before = bench.cloud.cpu_seconds()
            found += bench.boot_several(count)
            cpu += bench.cloud.cpu_seconds() - before
            memory = bench.cloud.memory_mb()
            bench.delete_all()
        what = f"{count} {'new' if is_new else 'known'}"
        floors = self.floors[count]
        for name, (median, most) in table(found).items():
            used = cpu / len(found) * 1000 if name == "SSH" else None
            floor = floors.get(STEPS[name]) if is_new or name != "host: image" else None
            self.add(f"{what}: {name}", median, "ms", most=most, cpu=used, floor=floor)
        self.add(f"{what}: memory", memory, "MB")


def table(found: Sequence[Steps]) -> dict[str, tuple[float, float]]:
    """Median and maximum of each step in ms, in the order of :data:`STEPS`, then of whatever else there is."""
    names = {name: None for steps in found for name in steps}
    order = [name for name in STEPS if name in names] + [name for name in names if name not in STEPS]
    several = {name: [steps[name] * 1000 for steps in found if name in steps] for name in order}
    return {name: (statistics.median(values), max(values)) for name, values in several.items()}


def run(driver: str, count: int | None, rounds: int, image: Path | None, say: Callable[[str], None]) -> list[Row]:
    """
    :raises Unfit: when this machine is not for it
    """
    kind = KINDS[driver]
    made = Run(kind, count or kind.guests, rounds, say)
    with tempfile.TemporaryDirectory(prefix="minicloud-bench-") as folder:
        made.everything(Path(folder), image)
    return made.rows
