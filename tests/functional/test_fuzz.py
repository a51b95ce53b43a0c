# SPDX-License-Identifier: Apache-2.0
"""Nonsense for every operation of every front end: always a clear answer, never a 5xx.

The requests are made of the operations' own schemas, so that most of a body is right and one
thing in it is wrong, with one seed, so that a failure can be repeated. To look further, set
``MINICLOUD_FUZZ_SEED``, ``MINICLOUD_FUZZ_ROUNDS`` or, for another database server,
``MINICLOUD_FUZZ_DATABASE`` such as ``mysql+pymysql://root@127.0.0.1/fuzz_{}``.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import threading
import unittest
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import webob

import minicloud.cmd.backend  # noqa: F401  # before anything else of OpenStack
from minicloud import conf as configuration
from minicloud.api import routes as compute
from minicloud.builtin.identity.api import routes as identity
from minicloud.builtin.image.api import routes as image
from minicloud.builtin.network.api import routes as network
from minicloud.cmd import first_start
from minicloud.cmd.parts import Parts
from minicloud.web.operation import Operation

SEED = int(os.environ.get("MINICLOUD_FUZZ_SEED", "7"))
ROUNDS = int(os.environ.get("MINICLOUD_FUZZ_ROUNDS", "3"))
DATABASE = os.environ.get("MINICLOUD_FUZZ_DATABASE", "")

#: Answers of 5xx that are documented.
ALLOWED = (501,)
#: Where the database had to refuse what a schema should have, and what no client should see.
_BAD = (b"is too long or too large.", b"Traceback", b'File "/')
_PASSWORDS = {"admin": "secret-of-admin", "demo": "secret-of-demo", "service": "secret-of-service"}
_FRONT_ENDS = {
    "/compute": [row for row in compute.operations() if not row.path.startswith("/v2/")],
    "/identity": list(identity.OPERATIONS),
    "/image": list(image.OPERATIONS),
    "/network": list(network.OPERATIONS),
}
_NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, 2**64 + 1, 1e308, 0.5, "", " ", "x" * 256, "x" * 5000, "\u0000", "\U0001f600" * 64,
    "\u202e", "\u00b2", "\u0661", "../../../etc/passwd", "' OR 1=1 --", "%s%n%x", "\r\nX-Evil: 1", "(a+)+$", "[", "*",
    "0", "-1", "9" * 30, "1e5", "nan", "2024-13-45T99:99:99", "0001-01-01T00:00:00+23:59", "default", "::",
    "10.0.0.0/8", [], {}, [[]], [None], {"": None}, {"x": {"y": [1, "\U0001f600"]}}, ["x"] * 200,
)  # fmt: skip
_QUERY_KEYS = (
    "limit", "marker", "name", "sort_key", "sort_dir", "fields", "project_id", "tenant_id", "all_tenants", "id",
    "changes-since", "changes-before", "tags", "not-tags", "status", "ip", "reverse", "page_reverse", "device_id",
    "fixed_ips", "start", "end", "detailed", "user_id", "is_public", "minDisk", "visibility", "sort", "size_min",
    "created_at", "revision_number", "shared", "metadata", "reservation_id", "deleted", "enabled", "include_names",
)  # fmt: skip


class Cloud:
    """Everything in this process, without a port."""

    def __init__(self, folder: str) -> None:
        conf = configuration.new(args=[], files=[])
        conf.set_override("state_dir", folder)
        if DATABASE:
            for name in ("api", "cell0", "cell", "identity", "network", "image"):
                conf.set_override(name, DATABASE.format(name), group="database")
        parts = Parts(conf)
        first_start.prepare(parts, _PASSWORDS)
        self.services: list[Any] = [
            parts.network_service(),
            parts.conductor_service(),
            parts.scheduler_service(),
            *parts.compute_services(1),
        ]
        self.app = parts.all_apps()
        for service in self.services:
            service.start()

    def stop(self) -> None:
        for service in reversed(self.services):
            service.stop()

    def send(self, method: str, path: str, token: str | None, body: bytes = b"", **headers: str) -> webob.Response:
        request = webob.Request.blank(path, method=method, body=body)
        if token is not None:
            request.headers["X-Auth-Token"] = token
        request.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return request.get_response(self.app)

    def token(self, user: str) -> str:
        domain = {"id": "default"}
        auth = {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "domain": domain, "password": _PASSWORDS[user]}},
            },
            "scope": {"project": {"name": user, "domain": domain}},
        }
        raw = json.dumps({"auth": auth}).encode()
        answer = self.send("POST", "/identity/v3/auth/tokens", None, raw, Content_Type="application/json")
        return str(answer.headers["X-Subject-Token"])


class Inputs:
    """Bodies, queries and paths, mostly right, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        #: Ids that answers told, by the kind of thing.
        self.known: list[str] = ["11111111-2222-4333-8444-555555555555"]

    def nasty(self) -> Any:
        return self.random.choice(_NASTY)

    def some_id(self) -> str:
        return self.random.choice(self.known)

    def value(self, schema: Any, depth: int = 0) -> Any:
        """Something a schema lets pass, or nearly so."""
        if not isinstance(schema, dict) or depth > 8:
            return self.nasty()
        for word in ("anyOf", "oneOf"):
            if word in schema:
                rest = {key: item for key, item in schema.items() if key != word}
                return self.value({**rest, **self.random.choice(schema[word])}, depth + 1)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = self.random.choice(kind) if isinstance(kind, list) else kind
        make: Any = {
            "object": self._object,
            "array": lambda one, deep: [self.value(one.get("items"), deep + 1) for _ in range(one.get("minItems", 1))],
            "string": self._string,
            "integer": lambda one, _: self.random.choice((one.get("minimum", 1), one.get("maximum", 2**31 - 1), 1)),
            "number": lambda one, _: one.get("minimum", 1),
            "boolean": lambda _one, _: self.random.random() < 0.5,
        }.get(kind)
        return make(schema, depth) if make is not None else None

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        few = bool(properties) and depth == 0 and schema.get("maxProperties") == 1
        names = [self.random.choice(list(properties))] if few else list(properties)
        made = {
            name: self.value(properties[name], depth + 1)
            for name in names
            if few or name in required or self.random.random() < 0.35
        }
        if schema.get("patternProperties") or schema.get("additionalProperties") is not False:
            made |= {"some": "thing"} if self.random.random() < 0.3 else {}
        return made

    def _string(self, schema: dict[str, Any], _depth: int) -> str:
        formats = {"uuid": self.some_id(), "ip": "10.0.0.9", "ipv4": "10.0.0.9", "ipv6": "fd00::9",
                   "cidr": "10.9.0.0/24", "mac": "fa:16:3e:00:00:01", "base64": "eA==",
                   "date-time": "2030-01-01T00:00:00Z"}  # fmt: skip
        if schema.get("format") in formats:
            return formats[schema["format"]]
        longest = "n" * min(schema.get("maxLength", 64), 70000)
        return self.random.choice((self.some_id(), self.some_id(), "1", "1", "name", longest, "\U0001f600", "/24"))

    def spoil(self, value: Any) -> Any:
        """The same with one thing in it wrong."""
        if isinstance(value, dict) and value and self.random.random() < 0.9:
            key = self.random.choice(list(value))
            return {**value, key: self.spoil(value[key])}
        if isinstance(value, list) and value and self.random.random() < 0.8:
            return [self.spoil(value[0]), *value[1:]]
        return self.nasty()

    def body(self, operation: Operation, version: int) -> bytes:
        if operation.body is None:
            return self.random.choice((b"", b"{}", b"x" * 100, b"\xff\x00"))
        value = self.value(operation.body.at(version))
        if self.random.random() < 0.5:
            value = self.spoil(value)
        raw = json.dumps(value).encode()
        if self.random.random() < 0.03:
            raw = self.random.choice((raw[:-1], b"", b"\xff", b"[" * 3000, b"null", b'{"a":1,"a":2}'))
        return raw

    def path(self, operation: Operation) -> str:
        parts = [self._segment(part) if part.startswith("{") else part for part in operation.path.split("/")]
        return "/".join(parts)

    def _segment(self, _part: str) -> str:
        if self.random.random() < 0.75:
            return quote(self.some_id(), safe="")
        return quote(str(self.nasty())[:600], safe="") or "x"

    def query(self, operation: Operation) -> str:
        if self.random.random() < 0.3:
            return ""
        keys = list(_QUERY_KEYS)
        if operation.query is not None:
            keys += list(operation.query.document.get("properties", ())) * 3
        pairs = []
        for _ in range(self.random.randint(1, 3)):
            value = self.some_id() if self.random.random() < 0.3 else str(self.nasty())[:4000]
            pairs += [(self.random.choice(keys), value)] * self.random.choice((1, 1, 2))
        return "?" + urlencode(pairs)


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("id", "name", "uuid", "port_id", "net_id") and isinstance(item, (str, int)) and item:
                yield str(item)[:300]
            else:
                yield from _ids(item)
    elif isinstance(value, list):
        for item in value[:5]:
            yield from _ids(item)


class Fuzz(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.cloud = Cloud(folder.name)
        self.addCleanup(self.cloud.stop)
        self.inputs = Inputs(SEED)
        self.tokens = {user: self.cloud.token(user) for user in ("admin", "demo")}
        self.failures: list[str] = []
        for path in ("/network/v2.0/networks", "/network/v2.0/security-groups", "/image/v2/images"):
            told = self.cloud.send("GET", path, self.tokens["demo"]).body
            self.inputs.known.extend(list(_ids(json.loads(told)))[:4])

    def test_no_operation_answers_with_5xx(self) -> None:
        work = [(prefix, row) for prefix, rows in _FRONT_ENDS.items() for row in rows]
        codes: dict[int, int] = {}
        threads = threading.active_count()
        for _ in range(ROUNDS):
            self.inputs.random.shuffle(work)
            for prefix, operation in work:
                if _may_fuzz(operation):
                    for user in ("admin", "demo"):
                        code = self._one(prefix, operation, user)
                        codes[code] = codes.get(code, 0) + 1
        self.assertEqual([], self.failures[:20])
        # Else this would have tested no more than the schemas.
        self.assertGreater(codes.get(200, 0), 50, codes)
        self.assertGreater(sum(codes.get(code, 0) for code in (201, 202, 204)), 10, codes)
        self.assertLess(threading.active_count() - threads, 40)

    def _one(self, prefix: str, operation: Operation, user: str) -> int:
        inputs = self.inputs
        version = inputs.random.choice((operation.since, operation.until or 104, 1, 104))
        path = prefix + inputs.path(operation) + inputs.query(operation)
        body = inputs.body(operation, version if prefix == "/compute" else 0)
        headers = {"Content_Type": operation.media_types[0]}
        if prefix == "/compute":
            headers["OpenStack_API_Version"] = f"compute 2.{version}"
        try:
            answer = self.cloud.send(operation.method, path, self.tokens[user], body, **headers)
        except Exception as error:  # what escapes a front end is what this looks for
            self.failures.append(f"{user} {operation.method} {path[:300]} {body[:300]!r} raised {error!r}")
            return 0
        code = int(answer.status_int)
        told = answer.body[:200_000]
        if (
            (code >= 500 and code not in ALLOWED)
            or b"too long or too large." in told
            or b"Traceback" in told
            or b'File "/' in told
        ):
            self.failures.append(
                f"{code} {user} {operation.method} {path[:400]} v{version} {body[:400]!r} -> {told[:300]!r}"
            )
        if code == 401 and not operation.public:
            self.tokens[user] = self.cloud.token(user)
        self._learn(operation, code, told)
        return code

    def _learn(self, operation: Operation, code: int, told: bytes) -> None:
        # What others rely on is not for this to delete: only what it made.
        if code in (200, 201, 202) and operation.method == "POST" and told[:1] == b"{":
            self.inputs.known.extend(list(_ids(json.loads(told)))[:4])


def _may_fuzz(operation: Operation) -> bool:
    """Not what would lock the test out of its own cloud."""
    return not (operation.method == "DELETE" and operation.path == "/v3/auth/tokens")
