# SPDX-License-Identifier: Apache-2.0
"""A small client: JSON over HTTP, nothing hidden."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter

T = TypeVar("T")

#: Seconds that anything in these tests may take.
PATIENCE = 30.0
_PACE = 0.03


@dataclass(frozen=True)
class Answer:
    """What a request got."""

    status: int
    body: Any
    headers: Any = field(repr=False, default=None)

    @property
    def message(self) -> str:
        """The text of a fault, wherever the service puts it."""
        if isinstance(self.body, dict) and "message" in self.body:
            return str(self.body["message"])
        fault = next(iter(self.body.values()), "") if isinstance(self.body, dict) else self.body
        return str(fault.get("message", fault)) if isinstance(fault, dict) else str(fault)


class Unexpected(AssertionError):
    """An answer of another status than the test needs."""


class Client:
    """One user in one project."""

    def __init__(self, url: str, token: str | None = None, project_id: str = "") -> None:
        """
        :param url: of all front ends, without a path
        """
        self.url = url
        self.token = token
        self.project_id = project_id
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=64))

    @classmethod
    def login(cls, url: str, user: str, password: str, project: str) -> Client:
        domain = {"id": "default"}
        auth = {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "domain": domain, "password": password}},
            },
            "scope": {"project": {"name": project, "domain": domain}},
        }
        answer = cls(url).send("POST", "/identity/v3/auth/tokens", {"auth": auth}, expect=201)
        return cls(url, answer.headers["X-Subject-Token"], answer.body["token"]["project"]["id"])

    def send(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None, version: str = "2.100"
    ) -> Answer:
        """One request.

        :param body: sent as JSON; bytes as they are
        :param expect: the status that the caller counts on
        :param version: microversion of the compute API
        """
        headers = {"Content-Type": "application/json", "OpenStack-API-Version": f"compute {version}"}
        if self.token is not None:
            headers["X-Auth-Token"] = self.token
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        found = self._session.request(method, self.url + path, data=data, headers=headers, timeout=PATIENCE * 2)
        try:
            answer = Answer(found.status_code, found.json(), found.headers)
        except ValueError:
            answer = Answer(found.status_code, found.text, found.headers)
        if expect is not None and answer.status != expect:
            raise Unexpected(f"{method} {path}: {answer.status} instead of {expect}: {answer.body}")
        return answer

    def get(self, path: str, version: str = "2.100") -> Any:
        return self.send("GET", path, expect=200, version=version).body

    def compute(self, path: str, version: str = "2.100") -> Any:
        return self.get(f"/compute/v2.1{path}", version)

    # --- servers ---

    def boot(self, name: str = "s", *, flavor: str = "42", version: str = "2.100", **more: Any) -> str:
        """
        :returns: the server's id
        """
        answer = self.send("POST", "/compute/v2.1/servers", self.boot_body(name, flavor, more), expect=202)
        return str(answer.body["server"]["id"])

    def boot_body(self, name: str, flavor: str, more: dict[str, Any]) -> dict[str, Any]:
        more = dict(more)
        hints = {"os:scheduler_hints": more.pop("hints")} if "hints" in more else {}
        server = {"name": name, "flavorRef": flavor, "imageRef": self.image(), "networks": "none", **more}
        return {"server": server, **hints}

    def image(self) -> str:
        if not hasattr(self, "_image"):
            self._image = str(self.get("/image/v2/images?name=tiny")["images"][0]["id"])
        return self._image

    def server(self, server_id: str, version: str = "2.100") -> dict[str, Any]:
        found: dict[str, Any] = self.compute(f"/servers/{server_id}", version)["server"]
        return found

    def servers(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.compute(f"/servers/detail{query}")["servers"]
        return found

    def act(self, server_id: str, action: str, arguments: Any = None, expect: int = 202) -> Answer:
        return self.send("POST", f"/compute/v2.1/servers/{server_id}/action", {action: arguments}, expect=expect)

    def delete(self, server_id: str) -> None:
        self.send("DELETE", f"/compute/v2.1/servers/{server_id}", expect=204)

    def until(self, server_id: str, *statuses: str, patience: float = PATIENCE) -> dict[str, Any]:
        """The server, once it has one of some statuses and nothing going on."""

        def look() -> dict[str, Any] | None:
            server = self.server(server_id)
            idle = server.get("OS-EXT-STS:task_state") is None
            return server if server["status"] in statuses and idle else None

        return wait(look, lambda: f"{self.server(server_id)} is not {' or '.join(statuses)}", patience)

    def until_gone(self, *server_ids: str, patience: float = PATIENCE) -> None:
        for server_id in server_ids:
            wait(
                lambda server_id=server_id: self.send("GET", f"/compute/v2.1/servers/{server_id}").status == 404,
                lambda server_id=server_id: f"not deleted: {self.server(server_id)}",
                patience,
            )

    def until_all(self, wanted: set[str], patience: float = PATIENCE) -> dict[str, dict[str, Any]]:
        """All servers of the project by id, once none is in another status than wanted or has anything going on."""

        def look() -> dict[str, dict[str, Any]] | None:
            found = {one["id"]: one for one in self.servers()}
            settled = all(s["status"] in wanted and s["OS-EXT-STS:task_state"] is None for s in found.values())
            return found if settled else None

        def states() -> str:
            return str([(s["id"], s["status"], s["OS-EXT-STS:task_state"]) for s in self.servers()])

        found: dict[str, dict[str, Any]] | None = None
        deadline = time.monotonic() + patience
        while (found := look()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"not settled in {patience} s: {states()}")
            time.sleep(_PACE * 3)
        return found


def wait(look: Callable[[], T | None], complaint: Callable[[], str], patience: float = PATIENCE) -> T:
    """What a look finds, as soon as it finds something.

    :raises AssertionError: with the complaint, after as many seconds as patience lasts
    """
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience} s: {complaint()}")
        time.sleep(_PACE)
