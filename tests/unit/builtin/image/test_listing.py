# SPDX-License-Identifier: Apache-2.0
"""Listings over HTTP: filters, order, pages."""

from __future__ import annotations

from urllib.parse import quote

from tests.unit.builtin.image.base import ImageTest


class FilterTest(ImageTest):
    def setUp(self) -> None:
        super().setUp()
        self.small = self.active(name="small", data=b"1", os_distro="foo", tags=["x", "y"])
        self.big = self.active(name="big, bad", data=b"12345", disk_format="qcow2", tags=["x"])
        self.none = self.image(name="none", min_ram=64, hw_x="50%_")
        self.hidden = self.image(name="hidden", os_hidden=True)

    def test_each(self) -> None:
        moment = quote(self.show(self.big)["created_at"])
        for query, names in (
            ("", {"small", "big, bad", "none"}),
            ("name=small", {"small"}),
            ("name=SMALL", set()),
            ("name=in:small,none", {"small", "none"}),
            ('name=in:"big, bad",none', {"big, bad", "none"}),
            (f"id=in:{self.small},{self.none}", {"small", "none"}),
            (f"id={self.small}", {"small"}),
            ("status=active", {"small", "big, bad"}),
            ("status=in:queued,saving", {"none"}),
            ("size_min=2", {"big, bad"}),
            ("size_max=2", {"small"}),
            ("size_min=1&size_max=5", {"small", "big, bad"}),
            ("size=5", {"big, bad"}),
            ("min_ram=64", {"none"}),
            ("disk_format=qcow2", {"big, bad"}),
            ("container_format=in:bare,ovf", {"small", "big, bad", "none"}),
            ("os_distro=foo", {"small"}),
            ("os_distro=bar", set()),
            ("hw_x=50%25_", {"none"}),
            ("tag=x", {"small", "big, bad"}),
            ("tag=x&tag=y", {"small"}),
            ("os_hidden=true", {"hidden"}),
            ("protected=false&status=queued", {"none"}),
            (f"checksum={self.show(self.small)['checksum']}", {"small"}),
            ("created_at=gt:2000-01-01T00:00:00Z&status=queued", {"none"}),
            (f"created_at=lt:{moment}&status=queued", set()),
            ("updated_at=lte:2000-01-01", set()),
            ("owner=one&visibility=shared", {"small", "big, bad", "none"}),
            ("owner=two", set()),
        ):
            self.assertEqual(names, set(self.names("alice", query)), query)

    def test_what_cannot_be_understood_is_400(self) -> None:
        for query in (
            "size_min=x",
            "size_min=-1",
            "size_max=9223372036854775808",
            f"size={'0' * 20}{'9' * 20}",
            "visibility=nope",
            "member_status=nope",
            "os_hidden=perhaps",
            "created_at=yesterday",
            "created_at=like:2000-01-01",
            "limit=-1",
            "limit=x",
            "marker=nope",
            "marker=%00",
            "name=%00",
            "os_distro=a%00b",
            "%00=a",
            "sort=nope",
            "sort=name:up",
            "sort=name&sort_key=name",
            "sort_key=name&sort_dir=asc&sort_dir=asc",
            'name=in:"a',
            "name=%FF",
        ):
            self.refused(400, "alice", "GET", f"/v2/images?{query}")


class PageTest(ImageTest):
    def setUp(self) -> None:
        super().setUp()
        for number, data in enumerate((b"", b"333", b"1", b"333", None)):
            name = f"i{number}"
            self.image(name=name) if data is None else self.active(name=name, data=data)

    def _walk(self, query: str) -> list[str]:
        names: list[str] = []
        path = f"/v2/images?{query}"
        for _ in range(10):
            body = self.ok("alice", "GET", path)
            names += [image["name"] for image in body["images"]]
            if "next" not in body:
                return names
            path = body["next"]
        raise AssertionError("the pages have no end")

    def test_every_order_gives_each_image_once(self) -> None:
        for query in (
            "", "sort=size:asc", "sort=size:desc,name:asc", "sort_key=name&sort_dir=asc", "sort=checksum:asc",
            "sort=name", "sort_key=status&sort_key=size&sort_dir=asc&sort_dir=desc", "sort=id:asc", "sort=protected",
        ):  # fmt: skip
            whole = self.names("alice", query)
            self.assertEqual(5, len(whole))
            for limit in (1, 2, 5):
                self.assertEqual(whole, self._walk(f"{query}&limit={limit}"), f"{query} by {limit}")

    def test_order(self) -> None:
        self.assertEqual(["i4", "i3", "i2", "i1", "i0"], self.names("alice"))
        self.assertEqual(["i4", "i0", "i2", "i1", "i3"], self.names("alice", "sort=size:asc,name:asc"))
        self.assertEqual(["i1", "i3", "i2", "i0", "i4"], self.names("alice", "sort=size:desc,name:asc"))

    def test_limits(self) -> None:
        self.assertEqual([], self.names("alice", "limit=0"))
        self.conf.set_override("limit_param_default", 2, "image")
        self.conf.set_override("api_limit_max", 3, "image")
        self.assertEqual(2, len(self.names("alice")))
        self.assertEqual(3, len(self.names("alice", "limit=999999")))

    def test_marker_must_be_visible(self) -> None:
        other = self.image("bob")
        self.refused(400, "alice", "GET", f"/v2/images?marker={other}")
