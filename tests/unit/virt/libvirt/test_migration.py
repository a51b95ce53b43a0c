# SPDX-License-Identifier: Apache-2.0
"""Live migration: what the hosts tell each other, the definition at the destination, the folder, the job."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import libvirt
import msgspec
import testtools

from minicloud import conf, exception
from minicloud.objects import MigrationProgress, MigrationSource
from minicloud.virt import loader
from minicloud.virt.driver import Cancelled, SpawnOrder
from minicloud.virt.libvirt import domain
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host.connection import Connection
from minicloud.virt.libvirt.live import checks, job
from minicloud.virt.libvirt.live.definition import elsewhere
from minicloud.virt.libvirt.live.papers import Disk, Leaving, Place, pack, unpack, unwrap, wrap
from tests.fixtures import libvirt as fixtures
from tests.unit.virt.libvirt import plans, test_domain

LEAVING = Leaving(type="qemu", version=1, machine="pc-i440fx-7.2", identity="x", folder=str(plans.FOLDER))


class TestPapers(testtools.TestCase):
    def test_they_arrive_as_they_were(self) -> None:
        disk = Disk(name="disk.qcow2", format="qcow2", size=1 << 30, used=5)
        leaving = Leaving(type="kvm", version=1, machine="pc", identity="i", folder="/f", disks=(disk,))
        self.assertEqual(leaving, unpack(Leaving, pack(leaving)))

    def test_a_config_drive_travels_small(self) -> None:
        drive = b"secret".ljust(400_000, b"\0")
        self.assertLess(len(wrap(drive)), 2000)
        self.assertEqual(drive, unwrap(wrap(drive)))


class TestDefinition(testtools.TestCase):
    """The golden domains as they are on another host; see ``test_domain`` for how to write them anew."""

    def check(self, name: str, place: Place) -> None:
        before = str(domain.build(test_domain.CASES[name]))
        found = elsewhere(before, str(plans.FOLDER), place) + "\n"
        path = test_domain.GOLDEN / "elsewhere" / f"{name}.xml"
        if os.environ.get("MINICLOUD_WRITE_GOLDEN") == "1":
            path.write_text(found)
        self.assertEqual(path.read_text(), found)

    def test_plain(self) -> None:
        place = Place(
            host="h2",
            cloud="another",
            folder="/elsewhere/it",
            is_shared=False,
            vnc_listen="192.0.2.2",
            serial_listen="192.0.2.2",
            serial_ports=(10007,),
            bridges={plans.VIF.mac_address.upper(): "another"},
        )
        self.check("plain", place)

    def test_its_kernel(self) -> None:
        place = Place(
            host="h2",
            cloud="c1",
            folder="/elsewhere/it",
            is_shared=False,
            vnc_listen="127.0.0.1",
            serial_listen="127.0.0.1",
            serial_ports=(),
        )
        self.check("kernel", place)

    def test_with_cpus_of_its_own(self) -> None:
        place = Place(
            host="h2",
            cloud="another",
            folder=str(plans.FOLDER),
            is_shared=True,
            vnc_listen="127.0.0.1",
            serial_listen="127.0.0.1",
            serial_ports=(10002, 10003),
            pins=tuple(range(16, 24)),
        )
        self.check("kvm_everything", place)

    def test_what_lies_under_a_disk_is_not_told(self) -> None:
        running = """<domain><devices>
          <disk><source file='/f/disk.qcow2'/><backingStore><source file='/f/disk.base'/></backingStore></disk>
          <serial type='tcp'><source host='a' service='1'/></serial><console type='tcp'><source service='1'/></console>
          <disk><source file='/else/volume'/></disk>
        </devices></domain>"""
        place = Place(
            host="h", cloud="c", folder="/g", is_shared=False, vnc_listen="", serial_listen="b", serial_ports=(2,)
        )
        found = elsewhere(running, "/f", place)
        self.assertNotIn("backingStore", found)
        self.assertIn("/g/disk.qcow2", found)
        self.assertIn("/else/volume", found)
        self.assertEqual(2, found.count('service="2"'))


class TestChecks(testtools.TestCase):
    def refused(self, **changes: Any) -> str:
        leaving = msgspec.structs.replace(LEAVING, **changes)
        connection = Connection("never:///opened")
        return str(self.assertRaises(exception.MigrationPreCheckError, checks.machine, leaving, plans.QEMU, connection))

    def test_machines(self) -> None:
        checks.machine(LEAVING, plans.QEMU, Connection("never:///opened"))
        self.assertIn("kvm guest", self.refused(type="kvm"))
        self.assertIn("older", self.refused(version=8_000_000))
        self.assertIn("pc-i440fx-99", self.refused(machine="pc-i440fx-99"))

    def disks(self, leaving: Leaving = LEAVING, *, shared: bool, block: bool | None) -> bool:
        return checks.disks(plans.plan().instance, leaving, shared=shared, block=block, instances=Path("/"))

    def test_disks_are_copied_when_they_must_be(self) -> None:
        self.assertFalse(self.disks(shared=True, block=None))
        self.assertFalse(self.disks(shared=True, block=False))
        self.assertTrue(self.disks(shared=False, block=None))
        self.assertTrue(self.disks(shared=False, block=True))

    def test_what_cannot_be_is_refused(self) -> None:
        refused = exception.MigrationPreCheckError
        self.assertRaises(refused, self.disks, shared=True, block=True)
        self.assertRaises(refused, self.disks, shared=False, block=False)
        tunnelled = msgspec.structs.replace(LEAVING, is_tunnelled=True)
        self.assertRaises(refused, self.disks, tunnelled, shared=False, block=None)
        huge = msgspec.structs.replace(LEAVING, disks=(Disk(name="d", format="raw", size=1, used=1 << 60),))
        self.assertIn("free", str(self.assertRaises(refused, self.disks, huge, shared=False, block=None)))


class TestHosts(fixtures.DriverFixture):
    """On libvirt's own pretence, which cannot migrate: all but that."""

    uri = fixtures.TEST

    def setUp(self) -> None:
        super().setUp()
        self.order = self.spawned()
        self.source = self.driver.migration_source(self.order)

    def destination(self, instances: str) -> Any:
        node = self.folder / "node.xml"
        node.write_text("<node><memory>4194304</memory></node>")
        options = {"connection_uri": f"test://{node}", "instances_path": str(self.folder / instances)}
        driver = loader.load(self.configuration(**options), "destination")
        driver.init_host()
        self.addCleanup(driver.cleanup_host)
        return driver

    @property
    def coming(self) -> SpawnOrder:
        return SpawnOrder(self.order.instance, self.order.cancelled, purpose="live_migration")

    def disk(self, instances: str) -> Path:
        return self.folder / instances / self.order.instance.uuid / "disk.qcow2"

    def test_disks_that_are_shared_stay_whoever_cleans(self) -> None:
        other = self.destination("instances")
        self.assertFalse(other.check_destination(self.order, self.source, block=None))
        self.assertTrue(unpack(Place, other.prepare_destination(self.coming, self.source).data).is_shared)
        other.rollback_destination(self.order)
        self.assertTrue(self.disk("instances").exists())
        other.prepare_destination(self.coming, self.source)
        left = self.driver._guests.find(self.order.instance.uuid)  # type: ignore[attr-defined]
        left.force_off()  # it has gone
        self.driver.clean_source(self.order)  # type: ignore[attr-defined]
        self.assertTrue(self.disk("instances").exists())
        other.destroy(self.order)
        self.assertFalse(self.disk("instances").exists())

    def test_a_guest_that_stayed_has_its_folder_again(self) -> None:
        other = self.destination("instances")
        other.prepare_destination(self.coming, self.source)
        self.driver.abort_migration(self.order)  # type: ignore[attr-defined]
        other.rollback_destination(self.order)
        self.assertTrue(self.disk("instances").exists())
        self.driver.destroy(self.order)
        self.assertFalse(self.disk("instances").exists())

    def test_room_is_made_for_disks_that_are_copied(self) -> None:
        """Nobody needs the image, which may be gone."""
        other = self.destination("elsewhere")
        image = fixtures.blank_image(self.folder)
        self.patch(image, "part", lambda name: self.fail("it is looked at"))
        coming = replace(self.coming, image=image)
        self.assertTrue(other.check_destination(self.order, self.source, block=None))
        self.assertFalse(self.disk("elsewhere").exists())
        for _ in range(2):
            place = unpack(Place, other.prepare_destination(coming, self.source).data)
        self.assertFalse(place.is_shared)
        self.assertEqual(str(self.disk("elsewhere").parent), place.folder)
        self.assertTrue(self.disk("elsewhere").exists())
        other.rollback_destination(self.order)
        self.assertFalse(self.disk("elsewhere").parent.exists())
        self.assertTrue(self.disk("instances").exists())

    def test_a_guest_does_not_run_from_empty_disks(self) -> None:
        target = self.destination("elsewhere").prepare_destination(self.coming, self.source)
        moving = cast(Any, self.driver).live_migrate
        self.assertRaises(exception.VirtError, moving, self.order, target, block=False, progress=lambda _: None)

    def test_a_name_of_a_disk_does_not_lead_elsewhere(self) -> None:
        leaving = unpack(Leaving, self.source.data)
        bad = msgspec.structs.replace(leaving, disks=(Disk(name="../evil", format="raw", size=1, used=1),))
        other = self.destination("elsewhere")
        told = MigrationSource(driver="libvirt", data=pack(bad))
        self.assertRaises(exception.VirtError, other.prepare_destination, self.coming, told)
        self.assertFalse((self.folder / "elsewhere" / "evil").exists())

    def test_a_guest_that_is_off_or_another_drivers_is_refused(self) -> None:
        self.driver.power_off(self.order)
        leave = cast(Any, self.driver).migration_source
        self.assertRaises(exception.MigrationPreCheckError, leave, self.order)
        fake = MigrationSource(driver="fake")
        check = self.destination("elsewhere").check_destination
        self.assertRaises(exception.MigrationPreCheckError, check, self.order, fake, block=None)


class Moving:
    """A domain that is migrated until somebody says how that ends."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.error: str | None = None
        self.state_now = libvirt.VIR_DOMAIN_RUNNING
        self.called: list[str] = []

    def UUIDString(self) -> str:
        return plans.UUID

    def state(self) -> list[int]:
        return [self.state_now, 0]

    def isActive(self) -> bool:
        return True

    def migrateToURI3(self, uri: str, parameters: dict[str, Any], flags: int) -> None:
        self.called.append(uri)
        assert self.ended.wait(30)
        if self.error is not None:
            raise libvirt.libvirtError(self.error)

    def migrateSetMaxDowntime(self, milliseconds: int) -> None:
        self.called.append(f"downtime {milliseconds}")

    def jobStats(self) -> dict[str, Any]:
        return {"type": 2, "memory_total": 100, "memory_remaining": 40, "memory_processed": 60}

    def abortJob(self) -> None:
        self.called.append("abort")
        self.error = "aborted"
        self.ended.set()

    def suspend(self) -> None:
        self.called.append("suspend")
        self.state_now = libvirt.VIR_DOMAIN_PAUSED
        self.ended.set()

    def resume(self) -> None:
        self.called.append("resume")


class TestJob(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.domain = Moving()
        self.told: list[MigrationProgress] = []

    def options(self, **changes: Any) -> Any:
        settings = conf.new(files=[])
        for name, value in changes.items():
            settings.set_override(f"live_migration_{name}", value, group="libvirt")
        return settings.libvirt

    def run_job(self, cancelled: threading.Event | None = None, **options: Any) -> None:
        guest = Guest(cast(Any, self.domain))
        one = job.Job(guest, "there", self.options(**options), 0, {})
        one.run(self._tell, cancelled or threading.Event())

    def _tell(self, progress: MigrationProgress) -> None:
        self.told.append(progress)
        self.on_progress()

    on_progress: Callable[[], object] = staticmethod(lambda: None)

    def test_it_tells_how_far_it_is(self) -> None:
        self.on_progress = self.domain.ended.set
        self.run_job()
        self.assertEqual(60, self.told[0].percent)
        self.assertEqual(["there", "downtime 500"], self.domain.called)

    def test_what_nobody_wants_is_aborted(self) -> None:
        cancelled = threading.Event()
        self.on_progress = cancelled.set
        self.assertRaises(Cancelled, self.run_job, cancelled)
        self.assertIn("abort", self.domain.called)

    def test_what_takes_too_long_is_aborted(self) -> None:
        error = self.assertRaises(exception.VirtError, self._late)
        self.assertIn("completion_timeout", str(error))

    def _late(self) -> None:
        late = job.Job(Guest(cast(Any, self.domain)), "there", self.options(), 0, {})
        late._limit = lambda _found: 0.0  # type: ignore[method-assign]  # nobody waits for minutes here
        late.run(self._tell, threading.Event())

    def test_or_forced(self) -> None:
        options = self.options(timeout_action="force_complete")
        late = job.Job(Guest(cast(Any, self.domain)), "there", options, 0, {})
        late._limit = lambda _found: 0.0  # type: ignore[method-assign]
        late.run(self._tell, threading.Event())
        self.assertIn("suspend", self.domain.called)

    def test_a_guest_that_was_paused_for_it_goes_on_when_it_fails(self) -> None:
        def fail() -> None:
            self.domain.state_now = libvirt.VIR_DOMAIN_PAUSED
            self.domain.error = "no route"
            self.domain.ended.set()

        self.on_progress = fail
        self.assertRaises(exception.VirtError, self.run_job)
        self.assertEqual("resume", self.domain.called[-1])

    def test_a_large_guest_gets_more_time(self) -> None:
        one = job.Job(Guest(cast(Any, self.domain)), "", self.options(completion_timeout=10), 0, {})
        self.assertEqual(20, one._limit(MigrationProgress(memory_total=1 << 20)))
        self.assertEqual(80, one._limit(MigrationProgress(memory_total=4 << 30, disk_total=4 << 30)))

    def test_options_become_flags_and_parameters(self) -> None:
        plain = job.flags(self.options(), block=False)
        self.assertTrue(plain & libvirt.VIR_MIGRATE_PEER2PEER and plain & libvirt.VIR_MIGRATE_UNSAFE)
        copied = job.flags(self.options(with_native_tls=True), block=True)
        self.assertTrue(copied & libvirt.VIR_MIGRATE_NON_SHARED_DISK and copied & libvirt.VIR_MIGRATE_TLS)
        self.assertFalse(copied & libvirt.VIR_MIGRATE_UNSAFE)
        given = job.parameters(self.options(bandwidth=5), "2001:db8::1", running="r", persistent="p")
        self.assertEqual(("tcp://[2001:db8::1]", 5), (given["migrate_uri"], given["bandwidth"]))
        self.assertEqual("2001:db8::1", given["listen_address"])
        self.assertNotIn("listen_address", job.parameters(self.options(), "host2", running="r", persistent="p"))
        self.assertNotIn("migrate_uri", job.parameters(self.options(tunnelled=True), "h", running="r", persistent="p"))
