# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` in the middle of work: after the restart nothing is stuck and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.functional.base import CloudTest
from tests.functional.client import wait

#: Seconds after the restart in which everything must be settled.
BOUND = 30.0


class Kills(CloudTest):
    """Whatever processes the cloud has."""

    def kill_in_the_middle(self, *names: str, delay: float = 0.15) -> None:
        """Build some servers, delete others, kill processes meanwhile, and look what came of it."""
        network = self.network(self.user)
        wires = {"networks": [{"uuid": network}]}
        old = [self.user.boot(f"old-{number}", metadata={"fake:delay:delete": "0.4"}, **wires) for number in range(4)]
        for one in old:
            self.user.until(one, "ACTIVE")
        with ThreadPoolExecutor(16) as pool:
            requests = [
                pool.submit(self._try, lambda number=number: self._slow_boot(number, wires)) for number in range(8)
            ]
            requests += [pool.submit(self._try, lambda one=one: self.user.delete(one)) for one in old]
            time.sleep(delay)
            for name in names:
                self.cloud.processes[name].kill()
        for name in names:
            self.cloud.processes[name].start()
        self.cloud.until_whole()
        accepted = [one for one, request in zip(old, requests[8:], strict=True) if request.result()]
        self.user.until_gone(*accepted, patience=BOUND)
        self.user.until_all({"ACTIVE", "ERROR"}, BOUND)
        self.assert_consistent()
        self._clean(self.user)
        self.assert_nothing_left(self.user)

    def _slow_boot(self, number: int, wires: dict[str, object]) -> str:
        return self.user.boot(f"new-{number}", metadata={"fake:build_seconds": str(0.1 * number)}, **wires)

    def _try(self, request: Callable[[], object]) -> bool:
        """Whether a request was accepted; with the API killed it may not be."""
        try:
            request()
            return True
        except (OSError, AssertionError):
            return False


class KillsOfOneProcess(Kills):
    def test_soon(self) -> None:
        self.kill_in_the_middle("all", delay=0.05)

    def test_later(self) -> None:
        self.kill_in_the_middle("all", delay=0.4)


class KillsOfMany(Kills):
    def test_computes(self) -> None:
        self.kill_in_the_middle("compute-host-1", "compute-host-3")

    def test_conductors(self) -> None:
        self.kill_in_the_middle("conductor-cell1", "conductor-cell2")

    def test_the_scheduler(self) -> None:
        self.kill_in_the_middle("scheduler", delay=0.05)

    def test_the_api_and_the_network(self) -> None:
        self.kill_in_the_middle("api", "network")

    def test_everything(self) -> None:
        self.kill_in_the_middle(*self.cloud.processes, delay=0.3)

    def test_delete_while_the_host_is_down(self) -> None:
        network = self.network(self.user)
        server_id = self.user.boot(networks=[{"uuid": network}])
        self.user.until(server_id, "ACTIVE")
        host = str(self.host_of(server_id))
        process = self.cloud.processes[self.cloud.hosts[host]]
        process.kill()
        try:
            wait(lambda: self.cloud.hosts_up() < len(self.cloud.hosts), lambda: f"{host} is still up")
            self.user.delete(server_id)
            self.user.until_gone(server_id, patience=5)
            wait(lambda: not self.cloud.allocations(), lambda: str(self.cloud.allocations()))
            self.assertIn(server_id, self.cloud.guests()[host])
        finally:
            process.start()
        self.cloud.until_whole()
        self.assert_nothing_left(self.user)

    def test_a_boot_while_its_only_host_is_down(self) -> None:
        process = self.cloud.processes["compute-host-2"]
        process.kill()
        try:
            body = self.admin.boot_body("s", "42", {"availability_zone": "nova:host-2"})
            server_id = self.admin.send("POST", "/compute/v2.1/servers", body, expect=202).body["server"]["id"]
            self.addCleanup(self._clean, self.admin)
        finally:
            process.start()
        server = self.admin.until(server_id, "ACTIVE", "ERROR")
        self.assertEqual(("ACTIVE", "host-2"), (server["status"], server["OS-EXT-SRV-ATTR:host"]), server.get("fault"))
