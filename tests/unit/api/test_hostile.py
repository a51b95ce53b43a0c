# SPDX-License-Identifier: Apache-2.0
"""What no honest client sends: it is refused with a 4xx that names what is wrong, and changes nothing."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from testscenarios import WithScenarios

from tests.unit.api.base import ApiTest
from tests.unit.api.requests import REQUESTS, Valid

#: Whole bodies.
BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"nonsense",
    b"null",
    b"[]",
    b"5",
    b'"text"',
    b"{}",
    b'{"unheard_of": {}}',
    b"\xff\xfe\x00",
    b'{"flavor": "\xc3\x28"}',
    b"[" * 50000,
    b'{"a":' * 20000 + b"1" + b"}" * 20000,
    b'{"flavor": {"name": "' + b"x" * 10_000_000 + b'"}}',
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 10000 + b"}",
)

#: In place of any value within a valid body.
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    2**31,
    2**63,
    10**400,
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "\U0001f600",
    "x" * 300,
    "x" * 70000,
    "9" * 40,
    "-1",
    "../../etc/passwd",
    "' OR 1=1 --",
    [],
    [[]],
    {},
    {"a": {"b": []}},
)


class WholeBodies(ApiTest):
    def test_every_operation_that_takes_one(self) -> None:
        before = self.dump()
        for operation in self.operations:
            if operation.body is None:
                continue
            path = re.sub(r"\{\w+\}", "1", operation.path)
            for body in BODIES:
                response = self.request(operation.method, path, body, version=operation.since, token="admin")
                about = str((operation.method, path, body[:40], response.text))
                self.assertIn(response.status_int, (400, 404, 413), about)
                (fault,) = json.loads(response.body).values()
                self.assertTrue(fault["message"], about)
        self.assertEqual(before, self.dump())


class Values(WithScenarios, ApiTest):  # type: ignore[misc]  # testscenarios is untyped
    scenarios: ClassVar = [
        (f"{one.method} {one.path} {one.version}", {"valid": one}) for one in REQUESTS if one.body is not None
    ]
    valid: Valid

    def test_every_value_of_a_body(self) -> None:
        path = self.valid.path.format(**self.things())
        before = self.dump()
        for where, body in spoilt(self.valid.body):
            response = self.request(
                self.valid.method, path, json.dumps(body).encode(), version=self.valid.version, token="admin"
            )
            about = str((where, str(body)[:200].encode(errors="replace"), response.text[:500]))
            self.assertLess(response.status_int, 500, about)
            if response.status_int >= 400:
                self.assertIn(response.status_int, (400, 404, 409, 413), about)
                self.assertEqual(before, self.dump(), about)
            else:
                before = self.dump()
            if response.status_int == 400:
                message = json.loads(response.body)["badRequest"]["message"]
                # What is no JSON has no fields; a project is named by its id.
                words = [*map(str, where[-1:] or ("",)), str(_at(body, where)) or "?", "Malformed request body"]
                self.assertTrue(any(word in message for word in words), about)


class Queries(ApiTest):
    def test_every_operation_that_takes_one(self) -> None:
        things = self.things()
        for one in REQUESTS:
            if one.method != "GET":
                continue
            path = one.path.format(**things).partition("?")[0]
            for key in ("limit", "marker", "offset", "is_public", "minRam", "user_id", "with_servers", "all_projects"):
                for value in ("", "-1", "x" * 3000, "9" * 30, "%00", "%ff", "%f0%9f%98%80", "a%0d%0aSet-Cookie:b"):
                    response = self.request("GET", f"{path}?{key}={value}", version=one.version, token="admin")
                    about = str((path, key, value, response.text))
                    self.assertLess(response.status_int, 500, about)
                    self.assertNotIn("Set-Cookie", response.headers, about)

    def test_paths(self) -> None:
        for one in REQUESTS:
            for value in ("%00", "%ff", "x" * 3000, "9" * 30, "-1", "%f0%9f%98%80", "..%2f..%2fetc", "'%20OR%201=1"):
                path = re.sub(r"/(\{\w+\}|\d+|default|key)(?=/|$)", f"/{value}", one.path.partition("?")[0])
                response = self.request(one.method, path, one.body, version=one.version, token="admin")
                about = str((one.method, path, response.text[:300]))
                self.assertLess(response.status_int, 500, about)


def spoilt(body: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Copies of a body with one thing wrong in each, and where that is."""
    for path in _paths(body):
        for value in VALUES:
            yield path, _changed(body, path, value)
    for path in _paths(body):
        if isinstance(_at(body, path), dict):
            yield (*path, "unheard_of"), _changed(body, path, {**_at(body, path), "unheard_of": 1})
            yield path, _changed(body, path, {**_at(body, path), "x" * 5000: "1"})
            yield path, _changed(body, path, {**_at(body, path), "\ud800": "1"})


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _paths(value[key], (*path, key))


def _at(body: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        body = body[key]
    return body


def _changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    body = copy.deepcopy(body)
    _at(body, path[:-1])[path[-1]] = value
    return body
