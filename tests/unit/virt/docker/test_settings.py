# SPDX-License-Identifier: Apache-2.0
"""What containers are made with."""

from __future__ import annotations

import testtools
from docker.types import HostConfig

from minicloud import conf, exception
from minicloud.objects import FixedIp, Flavor, Instance, Vif
from minicloud.virt.docker import settings
from minicloud.virt.docker.settings import Program


def instance(**more: object) -> Instance:
    flavor = Flavor(flavorid="1", name="f", vcpus=2, memory_mb=64, root_gb=3, swap=16)
    known = {"uuid": "u", "project_id": "p", "user_id": "u", "display_name": "d", "vm_state": "building"}
    return Instance(**{**known, "hostname": "web", "flavor": flavor, **more})


def vif(*servers: str, address: str = "10.0.0.5") -> Vif:
    fixed = FixedIp(address=address, subnet_id="s", dns=servers)
    return Vif(port_id="p", network_id="n", network_name="net", mac_address="fa:16:3e:00:00:01", fixed_ips=(fixed,))


class SettingsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf = conf.new(files=[])

    def host_config(self, *vifs: Vif, binds: settings.Binds | None = None) -> HostConfig:
        """As the SDK makes it of our arguments: what it does not know, it refuses."""
        arguments = settings.host_config(self.conf.docker, instance(), vifs, binds or {})
        return HostConfig(version="1.41", **arguments)

    def test_a_flavor_is_limits(self) -> None:
        found = self.host_config()
        self.assertEqual((64 << 20, 80 << 20), (found["Memory"], found["MemorySwap"]))
        self.assertEqual((100_000, 200_000, 2048), (found["CpuPeriod"], found["CpuQuota"], found["CpuShares"]))

    def test_containers_are_unprivileged_and_alone(self) -> None:
        found = self.host_config()
        self.assertEqual("none", found["NetworkMode"])
        self.assertFalse(found.get("Privileged"))
        self.assertEqual(["no-new-privileges"], found["SecurityOpt"])
        self.assertIn("MKNOD", found["CapDrop"])
        self.assertEqual(1024, found["PidsLimit"])
        self.assertEqual("no", found["RestartPolicy"]["Name"])
        self.assertNotIn("Binds", found)
        self.assertNotIn("StorageOpt", found)

    def test_consoles_are_bounded(self) -> None:
        self.conf.set_override("console_log_kb", 100, group="docker")
        self.assertEqual({"max-size": "50k", "max-file": "2"}, self.host_config()["LogConfig"]["Config"])

    def test_the_disk_is_limited_where_docker_can(self) -> None:
        self.conf.set_override("limit_disk", True, group="docker")
        self.assertEqual({"size": "3G"}, self.host_config()["StorageOpt"])

    def test_a_name_is_one_that_the_kernel_takes(self) -> None:
        for given, name in (
            ("web", "web"),
            ("web.example.com", "web.example.com"),
            ("x" * 52 + "-guest-test.example.com", "x" * 52 + "-guest-test"),
            ("y" * 63 + "-z." + "z" * 60, "y" * 63),
            ("", None),
        ):
            self.assertEqual(name, settings.host_name(instance(hostname=given)), given)

    def test_folders_are_mounted_as_told(self) -> None:
        found = self.host_config(binds={"/srv/x": {"bind": settings.CONFIG_DRIVE, "mode": "ro"}})
        self.assertEqual(["/srv/x:/var/lib/cloud/seed/config_drive:ro"], found["Binds"])

    def test_names_come_from_the_subnets(self) -> None:
        found = self.host_config(vif("1.1.1.1", "2.2.2.2"), vif("2.2.2.2", "3.3.3.3", "4.4.4.4", address="10.1.0.5"))
        self.assertEqual(["1.1.1.1", "2.2.2.2", "3.3.3.3"], found["Dns"])
        self.assertEqual(["web:10.0.0.5"], found["ExtraHosts"])

    def test_a_root_file_system_runs_a_shell_that_ends_when_hung_up(self) -> None:
        self.assertEqual(Program(["/bin/sh"], "SIGHUP"), settings.program(instance(), {"Config": {"Cmd": None}}))

    def test_an_init_is_the_first_process_and_can_power_off(self) -> None:
        found = settings.program(instance(), {"Config": {"Cmd": ["/sbin/init"]}})
        self.assertEqual(Program(None, "SIGUSR2", is_init=True), found)
        told = settings.program(instance(), {"Config": {"Cmd": ["/sbin/init"], "StopSignal": "SIGPWR"}})
        self.assertEqual(Program(None, None, is_init=True), told)
        arguments = settings.host_config(self.conf.docker, instance(), (), {}, is_init=True)
        made = HostConfig(version="1.41", **arguments)
        self.assertEqual((False, ["SYS_BOOT"]), (made["Init"], made["CapAdd"]))
        self.assertTrue(self.host_config()["Init"])

    def test_an_image_runs_what_it_says(self) -> None:
        for config in ({"Cmd": ["nginx"]}, {"Cmd": None, "Entrypoint": ["/x"]}):
            self.assertEqual(Program(None), settings.program(instance(), {"Config": config}))

    def test_a_property_of_the_image_goes_first(self) -> None:
        wanted = instance(image_properties={"os_command_line": "/bin/httpd -f 'a b'"})
        found = settings.program(wanted, {"Config": {"Cmd": ["/sbin/init"]}})
        self.assertEqual(Program(["/bin/httpd", "-f", "a b"]), found)
        broken = instance(image_properties={"os_command_line": "sh -c '"})
        self.assertRaises(exception.BuildAborted, settings.program, broken, {})
