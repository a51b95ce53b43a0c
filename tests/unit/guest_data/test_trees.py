# SPDX-License-Identifier: Apache-2.0
"""The OpenStack and the EC2 tree, and the config drive that has both."""

from __future__ import annotations

import json
from typing import Any

import testtools

from minicloud.guest_data import Facts, config_drive, ec2, openstack
from tests.unit.guest_data.samples import KEY, USER_DATA, UUID, facts, instance


class OpenStackTest(testtools.TestCase):
    def test_everything_of_the_newest_version(self) -> None:
        self.assertEqual(
            {
                "uuid": UUID,
                "name": "Test one",
                "hostname": "test-one.example.org",
                "launch_index": 2,
                "availability_zone": "nova",
                "meta": {"role": "webserver"},
                "public_keys": {"mykey": KEY},
                "keys": [{"name": "mykey", "type": "ssh", "data": KEY}],
                "files": [{"content_path": "/content/0000", "path": "/etc/motd"}],
                "random_seed": "AQID",
                "project_id": "f7ac731cc11f40efbc03a9f9e1d1d21f",
                "devices": [
                    {
                        "type": "nic",
                        "bus": "none",
                        "address": "none",
                        "mac": "fa:16:3e:9c:bf:3d",
                        "tags": ["outside"],
                    }
                ],
                "dedicated_cpus": [],
            },
            openstack.meta_data(facts(), "2020-10-14"),
        )

    def test_an_older_version_lacks_what_came_later(self) -> None:
        added: dict[str, Any] = {}
        before: set[str] = set()
        for version in openstack.VERSIONS:
            now = set(openstack.meta_data(facts(), version))
            added[version] = now - before
            before = now
        self.assertEqual(
            {
                "2013-04-04": {"random_seed"},
                "2015-10-15": {"project_id"},
                "2016-06-30": {"devices"},
                "2020-10-14": {"dedicated_cpus"},
            },
            {version: names for version, names in added.items() if names and version != "2012-08-10"},
        )

    def test_a_bare_guest_is_told_nothing_empty(self) -> None:
        bare = instance(key_name=None, key_data=None, metadata={}, system_metadata={})
        shown = openstack.meta_data(Facts(bare), "2012-08-10")
        self.assertEqual({"uuid", "name", "hostname", "launch_index"}, set(shown))
        self.assertEqual("test-one", shown["hostname"])

    def test_a_password_is_told_when_there_is_one(self) -> None:
        self.assertNotIn("admin_pass", openstack.meta_data(facts(), "2020-10-14"))
        self.assertEqual("s3cret", openstack.meta_data(facts(admin_password="s3cret"), "2020-10-14")["admin_pass"])

    def test_a_password_is_not_in_what_is_logged(self) -> None:
        self.assertNotIn("s3cret", repr(facts(admin_password="s3cret")))

    def test_a_certificate_is_no_ssh_key(self) -> None:
        windows = instance(key_data="-----BEGIN CERTIFICATE-----\nMIIB\n")
        (key,) = openstack.meta_data(facts(windows), "2020-10-14")["keys"]
        self.assertEqual("x509", key["type"])

    def test_documents_by_version(self) -> None:
        names = {version: [row.name for row in openstack.documents(version)] for version in openstack.VERSIONS}
        self.assertEqual(["meta_data.json", "user_data"], names["2012-08-10"])
        self.assertEqual(["meta_data.json", "user_data", "vendor_data.json"], names["2013-10-17"])
        self.assertEqual(
            ["meta_data.json", "user_data", "vendor_data.json", "network_data.json", "vendor_data2.json"],
            names["2016-10-06"],
        )

    def test_versions(self) -> None:
        self.assertEqual("2020-10-14", openstack.version_of("latest"))
        self.assertEqual("2016-06-30", openstack.version_of("2016-06-30"))
        self.assertIsNone(openstack.version_of("2016-07-01"))


class Ec2Test(testtools.TestCase):
    def test_everything_of_the_newest_version(self) -> None:
        self.assertEqual(
            {
                "ami-id": "ami-70a599e0",
                "ami-launch-index": "2",
                "ami-manifest-path": "(unknown)",
                "block-device-mapping": {"ami": "vda", "root": "/dev/vda"},
                "hostname": "test-one.example.org",
                "instance-action": "none",
                "instance-id": "i-d8e02d56",
                "instance-type": "m1.nano",
                "local-hostname": "test-one.example.org",
                "local-ipv4": "192.168.81.99",
                "placement": {"availability-zone": "nova"},
                "public-hostname": "test-one.example.org",
                "public-ipv4": "172.24.4.5",
                "public-keys": {"0": {"_name": "0=mykey", "openssh-key": KEY}},
                "reservation-id": "r-abcdefgh",
                "security-groups": "default\nweb",
            },
            ec2.meta_data(facts(), "2009-04-04"),
        )

    def test_kernel_and_ramdisk_of_images_that_have_them(self) -> None:
        shown = ec2.meta_data(facts(instance(kernel_id="aaaaaaaa-1", ramdisk_id="bbbbbbbb-2")), "2009-04-04")
        self.assertEqual(("aki-aaaaaaaa", "ari-bbbbbbbb"), (shown["kernel-id"], shown["ramdisk-id"]))

    def test_an_older_version_lacks_what_came_later(self) -> None:
        self.assertNotIn("public-keys", ec2.meta_data(facts(), "1.0"))
        self.assertNotIn("placement", ec2.meta_data(facts(), "2007-12-15"))
        self.assertIn("placement", ec2.meta_data(facts(), "2008-02-01"))

    def test_a_folder_lists_its_names(self) -> None:
        tree = ec2.meta_data(facts(), "2009-04-04")
        listed = ec2.render(tree).split("\n")
        self.assertIn("placement/", listed)
        self.assertIn("instance-id", listed)
        for path, text in {
            ("placement",): "availability-zone",
            ("public-keys",): "0=mykey",
            ("public-keys", "0"): "openssh-key",
            ("public-keys", "0", "openssh-key"): KEY,
            ("block-device-mapping", "root"): "/dev/vda",
        }.items():
            found = ec2.find(tree, path)
            assert found is not None, path
            self.assertEqual(text, ec2.render(found))

    def test_nothing_is_found_where_nothing_is(self) -> None:
        tree = ec2.meta_data(facts(), "2009-04-04")
        for path in (("nothing",), ("instance-id", "x"), ("public-keys", "1"), ("public-keys", "0", "_name")):
            self.assertIsNone(ec2.find(tree, path))

    def test_a_guest_without_addresses(self) -> None:
        shown = ec2.meta_data(Facts(instance()), "2009-04-04")
        self.assertEqual(("", ""), (shown["local-ipv4"], shown["public-ipv4"]))


class DriveTest(testtools.TestCase):
    def test_every_version_is_there(self) -> None:
        drive = config_drive(facts())
        for version in (*openstack.VERSIONS, "latest"):
            self.assertEqual(UUID, json.loads(drive[f"openstack/{version}/meta_data.json"])["uuid"])
        self.assertNotIn("openstack/2012-08-10/vendor_data.json", drive)
        self.assertEqual({"cloud": "ours"}, json.loads(drive["openstack/latest/vendor_data.json"]))
        self.assertEqual({"static": {"cloud": "ours"}}, json.loads(drive["openstack/latest/vendor_data2.json"]))

    def test_user_data_is_byte_for_byte(self) -> None:
        drive = config_drive(facts())
        self.assertEqual(USER_DATA, drive["openstack/latest/user_data"])
        self.assertEqual(USER_DATA, drive["ec2/latest/user-data"])
        without = config_drive(facts(instance(user_data=None)))
        self.assertEqual([], [path for path in without if "user" in path])

    def test_files_are_where_meta_data_says(self) -> None:
        drive = config_drive(facts())
        (file,) = json.loads(drive["openstack/latest/meta_data.json"])["files"]
        self.assertEqual(b"hi\n", drive[f"openstack{file['content_path']}"])

    def test_ec2_is_one_document_a_version(self) -> None:
        drive = config_drive(facts())
        self.assertEqual("i-d8e02d56", json.loads(drive["ec2/2009-04-04/meta-data.json"])["instance-id"])
        self.assertEqual(drive["ec2/2009-04-04/meta-data.json"], drive["ec2/latest/meta-data.json"])

    def test_it_has_no_place_to_write_a_password_to(self) -> None:
        self.assertNotIn("openstack/latest/password", config_drive(facts()))
