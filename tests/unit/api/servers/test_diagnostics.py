# SPDX-License-Identifier: Apache-2.0
"""GET /servers/{id}/diagnostics: two forms, and what stands in the way."""

from __future__ import annotations

from minicloud import exception
from minicloud.objects import CpuDiagnostics, Diagnostics, DiskDiagnostics, NicDiagnostics
from tests.unit.api.servers.base import ServersTest
from tests.unit.api.shapes import at, check, like, sample, schemas

COUNTED = Diagnostics(
    state="running",
    driver="libvirt",
    hypervisor="fake",
    hypervisor_os="any",
    uptime=5,
    memory_maximum=64,
    memory_used=16,
    cpus=(CpuDiagnostics(id=0, time=1000, utilisation=2),),
    disks=(DiskDiagnostics(read_bytes=1, read_requests=2, write_bytes=3, write_requests=4, errors_count=0),),
    nics=(NicDiagnostics(mac_address="fa:16:3e:00:00:01", rx_octets=7, tx_octets=8),),
)


class DiagnosticsTest(ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/servers/{self.active()}/diagnostics"
        self.cells.sent.answers["get_diagnostics"] = COUNTED

    def test_both_forms(self) -> None:
        old = self.ok("GET", self.path, token="admin")
        self.assertEqual((1000, 65536, 1, 3, 7, 8), tuple(old[key] for key in OLD))
        # The sample's guest has its first interface elsewhere.
        expected = {key.replace("vnet1", "vnet0"): value for key, value in SAMPLE.items()}
        like(self, expected, old, "2.1")
        new = self.ok("GET", self.path, version=48, token="admin")
        like(self, sample("os-server-diagnostics/server-diagnostics-get-resp", 48), new, "2.48")
        check(self, at(48, schemas("servers")).show_server_diagnostics, new, "2.48")
        self.assertEqual({"maximum": 64, "used": 16}, new["memory_details"])

    def test_what_stands_in_the_way(self) -> None:
        self.refused(403, "GET", self.path)
        self.cells.sent.answers["get_diagnostics"] = exception.NotSupported(what="diagnostics")
        self.refused(501, "GET", self.path, token="admin")
        self.cells.sent.answers["get_diagnostics"] = exception.GuestNotFound(instance_uuid="x")
        self.refused(409, "GET", self.path, token="admin")
        waiting = self.boot()
        self.refused(409, "GET", f"/servers/{waiting}/diagnostics", token="admin")


OLD = ("cpu0_time", "memory", "vda_read", "vda_write", "vnet0_rx", "vnet0_tx")
SAMPLE = sample("os-server-diagnostics/server-diagnostics-get-resp", 1)
