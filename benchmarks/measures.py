# SPDX-License-Identifier: Apache-2.0
"""What is measured, each as a small function over a cloud that runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.client import Client, Refused, in_parallel
from benchmarks.process import Cloud

SERVERS = "/compute/v2.1/servers"
CLIENTS = 8

#: Seconds between two looks at what is awaited: each look costs the cloud a millisecond or two.
_PACE = 0.05


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one request on a kept-alive connection, in ms."""

    median: float
    p95: float
    #: Processor time of the cloud, which other work of the machine does not change.
    cpu: float


class Bench:
    """A cloud that runs, a client of its administrator, and what is needed to boot."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.client = Client(cloud.port)
        self.project = self.client.log_in(cloud.admin_password)
        unlimited = {"instances": -1, "cores": -1, "ram": -1}
        self.client.request("PUT", f"/compute/v2.1/os-quota-sets/{self.project}", {"quota_set": unlimited})
        self.client.request(
            "PUT", f"/network/v2.0/quotas/{self.project}", {"quota": {"port": -1, "network": -1, "subnet": -1}}
        )
        self._network = self._make_network()
        flavors = self.client.get("/compute/v2.1/flavors")["flavors"]
        self._flavor = next(one["id"] for one in flavors if one["name"] == "m1.nano")
        self._image = self.client.get("/image/v2/images")["images"][0]["id"]

    def _make_network(self) -> str:
        """A network with room for thousands."""
        network = self.client.post("/network/v2.0/networks", {"network": {"name": "bench"}})["network"]["id"]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "10.160.0.0/16"}
        self.client.post("/network/v2.0/subnets", {"subnet": subnet})
        return str(network)

    # --- requests ---

    def latency(self, path: str, rounds: int) -> Latency:
        for _ in range(5):  # warm up
            self.client.request("GET", path)
        return self._latency(lambda: self.client.request("GET", path), rounds)

    def _latency(self, work: Callable[[], Any], rounds: int) -> Latency:
        durations = []
        cpu = self.cloud.cpu_seconds()
        for _ in range(rounds):
            began = time.perf_counter()
            work()
            durations.append((time.perf_counter() - began) * 1000)
        cpu = (self.cloud.cpu_seconds() - cpu) / rounds * 1000
        return Latency(statistics.median(durations), statistics.quantiles(durations, n=20)[-1], cpu)

    def rate(self, work: Callable[[], int]) -> tuple[float, float]:
        """
        :param work: does things and returns how many
        :returns: (how many in a second, ms of the cloud's processor time for one)
        """
        cpu, began = self.cloud.cpu_seconds(), time.perf_counter()
        count = work()
        seconds = time.perf_counter() - began
        return count / seconds, (self.cloud.cpu_seconds() - cpu) / count * 1000

    def requests(self, path: str, count: int) -> int:
        """Ask from eight clients at once."""
        in_parallel(self.client, CLIENTS, lambda own, _item: own.request("GET", path), [None] * count)
        return count

    # --- servers ---

    def boot(self, client: Client | None = None, count: int = 1) -> str:
        """Ask for servers.

        :returns: the id of the first
        """
        server = {
            "name": "bench",
            "flavorRef": self._flavor,
            "imageRef": self._image,
            "networks": [{"uuid": self._network}],
            **({"min_count": count, "max_count": count} if count > 1 else {}),
        }
        return str((client or self.client).post(SERVERS, {"server": server})["server"]["id"])

    def latency_of_boot(self, rounds: int) -> Latency:
        """From the request to ACTIVE, as a client sees it that looks every other ms."""
        return self._latency(self.boot_and_wait, rounds)

    def boot_and_wait(self) -> None:
        path = f"{SERVERS}/{self.boot()}"
        while (status := self.client.get(path)["server"]["status"]) == "BUILD":
            time.sleep(0.002)
        if status != "ACTIVE":
            raise Refused(f"a server is {status}")

    def boots(self, count: int) -> int:
        """Boot from eight clients until all are ACTIVE."""
        in_parallel(self.client, CLIENTS, lambda own, _item: self.boot(own), [None] * count)
        self.await_active()
        return count

    def boot_many(self, count: int) -> int:
        """Boot by one request, until all are ACTIVE."""
        self.boot(count=count)
        self.await_active()
        return count

    def await_active(self) -> None:
        while self.client.get(f"{SERVERS}?status=BUILD&limit=1")["servers"]:
            time.sleep(_PACE)
        if self.client.get(f"{SERVERS}?status=ERROR&limit=1")["servers"]:
            raise Refused("a server is in ERROR")

    def delete_all(self) -> int:
        """Delete from eight clients until none is left."""
        ids = [one["id"] for one in self._all()]
        in_parallel(self.client, CLIENTS, lambda own, item: own.request("DELETE", f"{SERVERS}/{item}"), ids)
        while self.client.get(f"{SERVERS}?limit=1")["servers"]:
            time.sleep(_PACE)
        return len(ids)

    def _all(self) -> Iterator[dict[str, Any]]:
        path = f"{SERVERS}?limit=1000"
        while path:
            page = self.client.get(path)
            yield from page["servers"]
            following = [one["href"] for one in page.get("servers_links", ()) if one["rel"] == "next"]
            path = following[0][following[0].index("/compute") :] if following else ""

    # --- what one boot costs, with nobody looking ---

    def cost(self, work: Callable[[], Any], times: int) -> tuple[dict[str, float], float]:
        """(counts of one, ms of processor time of one), less what the idle cloud does in that time."""
        idle = self._used(lambda: None)
        busy = self._used(lambda: [work() for _ in range(times)])
        names = busy[0].keys()
        counts = {name: (busy[0][name] - idle[0].get(name, 0)) / times for name in sorted(names)}
        return {name: round(value, 2) for name, value in counts.items() if value > 0.09}, (
            busy[1] - idle[1]
        ) / times * 1000

    def _used(self, work: Callable[[], Any]) -> tuple[dict[str, int], float]:
        counts, cpu = self.cloud.counts(), self.cloud.cpu_seconds()
        work()
        time.sleep(self.cloud.SETTLE)  # for the asynchronous part
        cpu = self.cloud.cpu_seconds() - cpu
        after = self.cloud.counts()
        return {name: value - counts.get(name, 0) for name, value in after.items()}, cpu
