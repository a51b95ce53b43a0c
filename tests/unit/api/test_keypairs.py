# SPDX-License-Identifier: Apache-2.0
"""Key pairs: a user's own, and by 2.10 those of users whom an administrator names."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_public_key

from minicloud.api.microversions import MAXIMUM
from tests.unit.api.base import ApiTest
from tests.unit.api.shapes import at, check, sample, schemas, steps

KEYPAIRS = schemas("keypairs")
PUBLIC_KEY = sample("os-keypairs/keypairs-import-post-req", 1)["keypair"]["public_key"]


class KeypairsTest(ApiTest):
    def add(self, name: str, *, version: int = 10, token: str = "member", **more: Any) -> dict[str, Any]:
        body = {"keypair": {"name": name, "public_key": PUBLIC_KEY, **more}}
        made: dict[str, Any] = self.ok("POST", "/os-keypairs", body, code=201, version=version, token=token)["keypair"]
        return made

    def names(self, query: str = "", **options: Any) -> list[str]:
        listed = self.ok("GET", f"/os-keypairs{query}", **options)["keypairs"]
        return [one["keypair"]["name"] for one in listed]


class Shapes(KeypairsTest):
    def test_every_answer(self) -> None:
        for version in steps(KEYPAIRS, "os-keypairs"):
            schema = at(version, KEYPAIRS)
            options: dict[str, Any] = {"version": version, "token": "admin"}
            body = sample("os-keypairs/keypairs-import-post-req", version)
            body["keypair"]["name"] = f"imported {version}"
            code = 201 if version >= 2 else 200
            made = self.ok("POST", "/os-keypairs", body, code=code, **options)
            check(self, schema.create_keypair, made, version)
            self.like_sample("os-keypairs/keypairs-import-post-resp", made, version)
            if version < 92:
                body = {"keypair": {"name": f"made {version}"}}
                made = self.ok("POST", "/os-keypairs", body, code=code, **options)
                check(self, schema.create_keypair, made, version)
                self.like_sample("os-keypairs/keypairs-post-resp", made, version)
            user = f"?user_id={body['keypair'].get('user_id', 'admin')}" if version >= 10 else ""
            name = body["keypair"]["name"]
            shown = self.ok("GET", f"/os-keypairs/{name}{user}", **options)
            check(self, schema.get_keypair, shown, version)
            self.like_sample("os-keypairs/keypairs-get-resp", shown, version)
            listed = self.ok("GET", f"/os-keypairs{user}", **options)
            check(self, schema.list_keypairs, listed, version)
            self.assertTrue(listed["keypairs"])
            self.like_sample("os-keypairs/keypairs-list-resp", listed, version)
            code = 204 if version >= 2 else 202
            self.ok("DELETE", f"/os-keypairs/{name}{user}", code=code, **options)
            self.refused(404, "GET", f"/os-keypairs/{name}{user}", **options)


class Making(KeypairsTest):
    def test_a_made_key_fits_its_private_half(self) -> None:
        made = self.ok("POST", "/os-keypairs", {"keypair": {"name": "n"}})["keypair"]
        private = load_pem_private_key(made["private_key"].encode(), None)
        public = load_ssh_public_key(made["public_key"].encode())
        self.assertEqual(private.public_key(), public)
        self.assertNotIn("private_key", self.ok("GET", "/os-keypairs/n")["keypair"])

    def test_a_made_certificate_is_the_users(self) -> None:
        body = {"keypair": {"name": "n", "type": "x509"}}
        made = self.ok("POST", "/os-keypairs", body, code=201, version=2)["keypair"]
        private = load_pem_private_key(made["private_key"].encode(), None)
        certificate = x509.load_pem_x509_certificate(made["public_key"].encode())
        self.assertEqual(private.public_key(), certificate.public_key())
        self.assertEqual("CN=u1", certificate.subject.rfc4514_string())
        copy = {"keypair": {"name": "copy", "type": "x509", "public_key": made["public_key"]}}
        again = self.ok("POST", "/os-keypairs", copy, code=201, version=2)["keypair"]
        self.assertEqual(made["fingerprint"], again["fingerprint"])
        self.assertNotIn("private_key", again)

    def test_the_fingerprint_is_md5_of_the_key(self) -> None:
        answer = sample("os-keypairs/keypairs-import-post-resp", 1)["keypair"]
        self.assertEqual(answer["public_key"], PUBLIC_KEY)
        self.assertEqual(answer["fingerprint"], self.add("n")["fingerprint"])

    def test_what_is_refused(self) -> None:
        for keypair, field in (
            ({"name": ""}, "name"),
            ({"name": " a"}, "name"),
            ({"name": "a/b"}, "name"),
            ({"name": "a.b"}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"name": "n", "type": "dsa"}, "type"),
            ({"name": "n", "public_key": "ssh-rsa"}, "public_key"),
            ({"name": "n", "public_key": "ssh-rsa AAAA"}, "public_key"),
            ({"name": "n", "public_key": PUBLIC_KEY.replace("ssh-rsa", "ssh-dss")}, "public_key"),
            ({"name": "n", "public_key": "x", "type": "x509"}, "public_key"),
            ({"name": "n", "public_key": "\ufb05", "type": "x509"}, "public_key"),
            ({"name": "n", "public_key": "ssh-rsa \ufb05"}, "public_key"),
        ):
            self.assertIn(field, self.refused(400, "POST", "/os-keypairs", {"keypair": keypair}, version=10))
        self.refused(400, "POST", "/os-keypairs", {"keypair": {"name": "n", "type": "ssh"}}, version=1)
        self.refused(400, "POST", "/os-keypairs", {"keypair": {"name": "n", "user_id": "u1"}}, version=9)
        self.refused(400, "POST", "/os-keypairs", {"keypair": {"name": "n"}}, version=92)
        self.assertEqual(["key"], self.names())
        self.assertEqual("me@home.org", self.add("me@home.org", version=92)["name"])

    def test_a_name_is_taken_once(self) -> None:
        self.add("n")
        body = {"keypair": {"name": "n", "public_key": PUBLIC_KEY}}
        self.assertIn("'n' already exists", self.refused(409, "POST", "/os-keypairs", body))
        self.ok("POST", "/os-keypairs", body, token="second")

    def test_quota(self) -> None:
        self.conf.set_override("key_pairs", 2, "quota")
        self.add("second")
        body = {"keypair": {"name": "third", "public_key": PUBLIC_KEY}}
        self.assertIn("too many key pairs", self.refused(403, "POST", "/os-keypairs", body))
        self.assertEqual(["key", "second"], self.names())
        self.ok("POST", "/os-keypairs", body, token="second")
        self.conf.set_override("key_pairs", -1, "quota")
        self.ok("POST", "/os-keypairs", body)


class Whose(KeypairsTest):
    def test_pages_join_to_the_whole(self) -> None:
        for number in range(4):
            self.add(f"n{number}")
        joined: list[str] = []
        query = "?limit=2"
        while query:
            answer = self.ok("GET", f"/os-keypairs{query}", version=35)
            joined += [one["keypair"]["name"] for one in answer["keypairs"]]
            links = answer.get("keypairs_links")
            query = f"?{urlsplit(links[0]['href']).query}" if links else ""
        self.assertEqual(["key", "n0", "n1", "n2", "n3"], joined)
        self.refused(400, "GET", "/os-keypairs?marker=none", version=35)
        self.refused(400, "GET", "/os-keypairs?limit=-1", version=35)
        self.assertEqual(5, len(self.names("?limit=2", version=34)))

    def test_others_key_pairs_are_not_there(self) -> None:
        self.refused(404, "GET", "/os-keypairs/key", token="second")
        self.refused(404, "DELETE", "/os-keypairs/key", token="second")
        self.assertEqual([], self.names(token="second"))
        self.refused(403, "GET", "/os-keypairs/key?user_id=u1", version=10, token="second")
        self.refused(403, "GET", "/os-keypairs?user_id=u1", version=10, token="second")
        body = {"keypair": {"name": "n", "public_key": PUBLIC_KEY, "user_id": "u1"}}
        self.refused(403, "POST", "/os-keypairs", body, version=MAXIMUM, token="second")

    def test_administrators_name_a_user(self) -> None:
        self.add("n", token="admin", user_id="u1")
        self.assertEqual(["key", "n"], self.names())
        self.assertEqual(["key", "n"], self.names("?user_id=u1", version=10, token="admin"))
        self.assertEqual([], self.names("?user_id=u1", version=9, token="admin"))
        self.ok("DELETE", "/os-keypairs/n?user_id=u1", code=204, version=10, token="admin")
        self.assertEqual(["key"], self.names())
