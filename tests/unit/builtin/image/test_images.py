# SPDX-License-Identifier: Apache-2.0
"""Images over HTTP: create, show, change, delete; who sees what."""

from __future__ import annotations

from typing import Any

from tests.unit.builtin.image.base import OLD_PATCH_TYPE, PATCH_TYPE, ImageTest

_NOBODY = "00000000-0000-4000-8000-000000000000"


class CreateTest(ImageTest):
    def test_answers_with_location_methods_and_defaults(self) -> None:
        response = self.call("alice", "POST", "/v2/images", {"name": "x", "os_distro": "foo", "tags": ["b", "a", "a"]})
        self.assertEqual(201, response.status_int)
        image = response.json
        self.assertEqual(f"http://localhost/v2/images/{image['id']}", response.headers["Location"])
        self.assertEqual("glance-direct,web-download", response.headers["OpenStack-image-import-methods"])
        self.assertEqual(
            ("queued", "shared", "one", None), tuple(image[k] for k in ("status", "visibility", "owner", "size"))
        )
        self.assertEqual("foo", image["os_distro"])
        self.assertEqual(["a", "b"], image["tags"])
        self.assertEqual(image, self.show(image["id"]))

    def test_takes_an_id_once(self) -> None:
        self.assertEqual(_NOBODY, self.image(id=_NOBODY))
        self.refused(409, "alice", "POST", "/v2/images", {"id": _NOBODY})

    def test_refuses_what_is_not_an_image(self) -> None:
        bodies: tuple[Any, ...] = (
            {"name": "x" * 256},
            {"id": "nope"},
            {"disk_format": "wrong"},
            {"container_format": "wrong"},
            {"min_ram": -1},
            {"min_disk": 2**31},
            {"protected": "true"},
            {"size_of_it": 3},
            {"tags": ["x" * 256]},
            {"visibility": "all"},
            {"x" * 256: "y"},
            {"long": "y" * 65536},
            [],
        )
        for body in bodies:
            self.refused(400, "alice", "POST", "/v2/images", body)
        self.assertEqual([], self.names("admin"))

    def test_read_only_and_reserved_are_403(self) -> None:
        bodies: tuple[Any, ...] = (
            {"status": "active"},
            {"size": 1},
            {"os_glance_foo": "bar"},
            {"deleted": "x"},
            {"locations": []},
        )
        for body in bodies:
            self.refused(403, "alice", "POST", "/v2/images", body)

    def test_quotas_are_413(self) -> None:
        self.refused(413, "alice", "POST", "/v2/images", {f"p{n}": "x" for n in range(129)})
        self.refused(413, "alice", "POST", "/v2/images", {"tags": [f"t{n}" for n in range(129)]})

    def test_who_may(self) -> None:
        self.refused(401, None, "POST", "/v2/images", {})
        self.refused(401, "stranger", "POST", "/v2/images", {})
        self.refused(403, "reader", "POST", "/v2/images", {})
        self.refused(403, "alice", "POST", "/v2/images", {"visibility": "public"})
        self.refused(403, "alice", "POST", "/v2/images", {"owner": "two"})
        self.image("admin", visibility="public", owner="two")
        self.image(visibility="community", owner="one")


class VisibilityTest(ImageTest):
    def test_by_id(self) -> None:
        seen = {v: self.image("admin", owner="one", visibility=v) for v in ("public", "private", "shared", "community")}
        for visibility, image_id in seen.items():
            self.show(image_id, "alice")
            self.show(image_id, "admin")
            if visibility in ("public", "community"):
                self.show(image_id, "bob")
                for method in ("DELETE", "PATCH"):
                    self.refused(
                        403,
                        "bob",
                        method,
                        f"/v2/images/{image_id}",
                        [] if method == "PATCH" else None,
                        Content_Type=PATCH_TYPE,
                    )
                self.refused(403, "bob", "PUT", f"/v2/images/{image_id}/file", b"mine")
            else:
                for path in ("", "/file", "/members", "/tasks"):
                    self.refused(404, "bob", "GET", f"/v2/images/{image_id}{path}")
                self.refused(404, "bob", "DELETE", f"/v2/images/{image_id}")
                self.refused(404, "bob", "PUT", f"/v2/images/{image_id}/file", b"mine")
                self.refused(404, "bob", "PUT", f"/v2/images/{image_id}/tags/x")
                self.refused(404, "bob", "POST", f"/v2/images/{image_id}/actions/deactivate")

    def test_in_lists(self) -> None:
        for owner in ("one", "two"):
            for visibility in ("public", "private", "shared", "community"):
                self.image("admin", owner=owner, visibility=visibility, name=f"{owner} {visibility}")
        own = {"one public", "one private", "one shared", "one community"}
        self.assertEqual(own | {"two public"}, set(self.names("alice")))
        self.assertEqual(own | {"two public", "two community"}, set(self.names("alice", "visibility=all")))
        self.assertEqual({"one private"}, set(self.names("alice", "visibility=private")))
        self.assertEqual({"one shared"}, set(self.names("alice", "visibility=shared")))
        self.assertEqual({"one community", "two community"}, set(self.names("alice", "visibility=community")))
        self.assertEqual({"two public"}, set(self.names("alice", "owner=two")))
        self.assertEqual(8, len(self.names("admin")))

    def test_unknown_and_malformed_ids_are_404(self) -> None:
        for image_id in (_NOBODY, "x", "x" * 300, "%F0%9F%90%99", "a/b/c", ""):
            self.refused(404, "alice", "GET", f"/v2/images/{image_id}")
        self.refused(404, "alice", "DELETE", "/v2/images/")


class UpdateTest(ImageTest):
    def test_both_dialects(self) -> None:
        image_id = self.image(x="1", y="2")
        image = self.change(
            "alice",
            image_id,
            {"op": "replace", "path": "/name", "value": "new"},
            {"op": "add", "path": "/a~1b~0", "value": "slash"},
            {"op": "replace", "path": "/x", "value": "11"},
            {"op": "remove", "path": "/y"},
            {"op": "replace", "path": "/tags", "value": ["t", "t"]},
        ).json
        self.assertEqual(("new", "slash", "11", ["t"]), (image["name"], image["a/b~"], image["x"], image["tags"]))
        self.assertNotIn("y", image)
        self.assertEqual(image, self.show(image_id))
        old = [{"replace": "/name", "value": "older"}, {"add": "/z", "value": "3"}, {"remove": "/x"}]
        image = self.ok("alice", "PATCH", f"/v2/images/{image_id}", old, Content_Type=OLD_PATCH_TYPE)
        self.assertEqual(("older", "3"), (image["name"], image["z"]))
        self.assertNotIn("x", image)

    def test_all_or_nothing(self) -> None:
        image_id = self.image()
        steps = [{"op": "add", "path": "/x", "value": "1"}, {"op": "remove", "path": "/nope"}]
        self.assertEqual(409, self.change("alice", image_id, *steps).status_int)
        self.assertNotIn("x", self.show(image_id))

    def test_refusals(self) -> None:
        image_id = self.image()
        for code, step in (
            (403, {"op": "replace", "path": "/status", "value": "active"}),
            (403, {"op": "replace", "path": "/id", "value": _NOBODY}),
            (403, {"op": "add", "path": "/locations/-", "value": {}}),
            (403, {"op": "add", "path": "/os_glance_foo", "value": "x"}),
            (403, {"op": "remove", "path": "/name"}),
            (403, {"op": "replace", "path": "/visibility", "value": "public"}),
            (403, {"op": "replace", "path": "/owner", "value": "two"}),
            (409, {"op": "replace", "path": "/nope", "value": "x"}),
            (400, {"op": "move", "path": "/x", "value": "x"}),
            (400, {"op": ["add"], "path": "/x", "value": "x"}),
            (400, {"op": "add", "path": "x", "value": "x"}),
            (400, {"op": "add", "path": "/", "value": "x"}),
            (400, {"op": "add", "path": "/x/y", "value": "x"}),
            (400, {"op": "add", "path": "/x~2", "value": "x"}),
            (400, {"op": "add", "path": "/x"}),
            (400, {"op": "add", "path": "/x", "value": 1}),
            (400, {"op": "replace", "path": "/min_ram", "value": "1"}),
            (400, {"op": "replace", "path": "/name", "value": "x" * 256}),
            (400, {}),
        ):
            response = self.change("alice", image_id, step)
            self.assertEqual(code, response.status_int, f"{step}: {response.text}")
        self.refused(415, "alice", "PATCH", f"/v2/images/{image_id}", [])
        self.assertEqual(403, self.change("reader", image_id, {"op": "add", "path": "/x", "value": "1"}).status_int)

    def test_formats_are_fixed_once_there_is_data(self) -> None:
        image_id = self.active()
        step = {"op": "replace", "path": "/disk_format", "value": "qcow2"}
        self.assertEqual(403, self.change("alice", image_id, step).status_int)

    def test_tags(self) -> None:
        image_id = self.image()
        for _ in range(2):
            self.assertEqual(204, self.call("alice", "PUT", f"/v2/images/{image_id}/tags/one").status_int)
        self.ok("alice", "PUT", f"/v2/images/{image_id}/tags/One")
        self.assertEqual({"one", "One"}, set(self.show(image_id)["tags"]))
        self.assertEqual(204, self.call("alice", "DELETE", f"/v2/images/{image_id}/tags/one").status_int)
        self.refused(404, "alice", "DELETE", f"/v2/images/{image_id}/tags/one")
        self.refused(400, "alice", "PUT", f"/v2/images/{image_id}/tags/{'x' * 256}")


class DeleteTest(ImageTest):
    def test_takes_all_along(self) -> None:
        image_id = self.active(x="1", tags=["t"])
        self.ok("alice", "POST", f"/v2/images/{image_id}/members", {"member": "two"})
        self.assertEqual({image_id}, self.files())
        self.assertEqual(204, self.call("alice", "DELETE", f"/v2/images/{image_id}").status_int)
        self.assertEqual(set(), self.files())
        self.refused(404, "alice", "GET", f"/v2/images/{image_id}")
        self.refused(404, "alice", "DELETE", f"/v2/images/{image_id}")
        again = self.show(self.image(id=image_id))
        self.assertNotIn("x", again)
        self.assertEqual([], again["tags"])

    def test_protected(self) -> None:
        image_id = self.active(protected=True)
        self.refused(403, "alice", "DELETE", f"/v2/images/{image_id}")
        self.assertEqual(b"data", self.ok("alice", "GET", f"/v2/images/{image_id}/file"))
        self.change("alice", image_id, {"op": "replace", "path": "/protected", "value": False})
        self.ok("alice", "DELETE", f"/v2/images/{image_id}")

    def test_not_by_a_reader(self) -> None:
        self.refused(403, "reader", "DELETE", f"/v2/images/{self.image()}")
