# SPDX-License-Identifier: Apache-2.0
"""A client that costs little: one kept-alive connection, JSON in and out."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

#: What the measured requests ask for; 2.90 is far into the history and still has ``flavor`` inlined.
MICROVERSION = "2.90"


class Refused(Exception):
    """The cloud answered with an error."""


class Client:
    """One authenticated session; not for several threads."""

    def __init__(self, port: int, token: str = "") -> None:
        self._port = port
        self.token = token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def request(self, method: str, path: str, body: Any = None) -> tuple[http.client.HTTPResponse, bytes]:
        """
        :raises Refused: for 400 and above
        """
        headers = {"X-OpenStack-Nova-API-Version": MICROVERSION}
        if self.token:
            headers["X-Auth-Token"] = self.token
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, data, headers)
        response = self._connection.getresponse()
        raw = response.read()
        if response.status >= 400:
            raise Refused(f"{method} {path}: {response.status} {raw[:500]!r}")
        return response, raw

    def put_file(self, path: str, file: Path) -> None:
        """Upload the data of an image.

        :raises Refused: for 400 and above
        """
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/octet-stream"}
        with file.open("rb") as data:
            self._connection.request("PUT", path, data, {**headers, "Content-Length": str(file.stat().st_size)})
            response = self._connection.getresponse()
        raw = response.read()
        if response.status >= 400:
            raise Refused(f"PUT {path}: {response.status} {raw[:500]!r}")

    def get(self, path: str) -> Any:
        return json.loads(self.request("GET", path)[1])

    def post(self, path: str, body: Any) -> Any:
        return json.loads(self.request("POST", path, body)[1])

    def again(self) -> Client:
        """The same session on a connection of its own, for another thread."""
        return Client(self._port, self.token)

    def log_in(self, password: str) -> str:
        """Take a token of the administrator.

        :returns: the project's id
        """
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": password}
        wanted = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
        response, raw = self.request("POST", "/identity/v3/auth/tokens", {"auth": wanted})
        self.token = response.headers["X-Subject-Token"]
        return str(json.loads(raw)["token"]["project"]["id"])


def in_parallel(client: Client, threads: int, work: Any, items: list[Any]) -> None:
    """Work off the items by so many threads, each with a connection of its own."""

    def run(share: list[Any]) -> None:
        own = client.again()
        for item in share:
            work(own, item)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(run, [items[number::threads] for number in range(threads)]):
            pass
