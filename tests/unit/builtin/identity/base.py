# SPDX-License-Identifier: Apache-2.0
"""A bootstrapped identity service in a directory of the test's own, spoken to over WSGI."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import testtools
import webob
from oslo_config import cfg

from minicloud import conf as options
from minicloud.builtin.identity.app import make_app
from minicloud.builtin.identity.bootstrap import Bootstrapped, bootstrap
from minicloud.builtin.identity.service import Identity
from minicloud.db.session import Database, open_database

URL = "http://cloud.test"
PASSWORDS = {"admin": "admin-secret", "demo": "demo-secret", "minicloud": "service-secret"}


def configuration(state_dir: Path) -> cfg.ConfigOpts:
    conf = options.new(files=[])
    conf.set_override("state_dir", str(state_dir))
    conf.set_override("password_hash_rounds", 4, group="identity")
    return conf


@functools.cache
def _template() -> tuple[Path, Bootstrapped]:
    """Bootstrapped once in a process, and copied for every test."""
    folder = Path(tempfile.mkdtemp(prefix="identity-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    conf = configuration(folder)
    db = open_database(conf, "identity")
    cloud = bootstrap(conf, db, public_url=URL, passwords=PASSWORDS)
    Identity(conf, db).store.token_keys.encrypt(b"")  # makes the keys
    with db.reader() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.dispose()
    return folder, cloud


class IdentityTestCase(testtools.TestCase):
    conf: cfg.ConfigOpts
    db: Database

    def setUp(self) -> None:
        super().setUp()
        template, self.cloud = _template()
        self.state_dir = Path(tempfile.mkdtemp(prefix="identity-"))
        self.addCleanup(shutil.rmtree, self.state_dir)
        shutil.copytree(template, self.state_dir, dirs_exist_ok=True)
        self.conf = configuration(self.state_dir)
        self.db = open_database(self.conf, "identity")
        self.addCleanup(self.db.dispose)
        self.identity = Identity(self.conf, self.db)
        self.app = make_app(self.conf, self.db, identity=self.identity)

    # Speaking to it ----------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> webob.Response:
        """One request; ``path`` is what follows /v3."""
        request = webob.Request.blank(f"/v3{path}", method=method, base_url=f"{URL}/identity")
        if body is not None:
            request.body = json.dumps(body).encode()
            request.content_type = "application/json"
        if token is not None:
            request.headers["X-Auth-Token"] = token
        request.headers.update(headers or {})
        return request.get_response(self.app)

    def ok(self, method: str, path: str, body: Any = None, *, status: int = 200, token: str | None = None) -> Any:
        """A request that must succeed, as the administrator unless said otherwise; its JSON."""
        response = self.call(method, path, body, token=token or self.admin)
        self.assertEqual(status, response.status_int, response.text)
        return response.json if response.body else None

    def refused(self, status: int, method: str, path: str, body: Any = None, *, token: str | None = None) -> str:
        """A request that must fail with Keystone's error body; its message."""
        response = self.call(method, path, body, token=token or self.admin)
        self.assertEqual(status, response.status_int, response.text)
        self.assertEqual(status, response.json["error"]["code"])
        return str(response.json["error"]["message"])

    @functools.cached_property
    def admin(self) -> str:
        return self.token("admin", project="admin")

    @functools.cached_property
    def demo(self) -> str:
        return self.token("demo", project="demo")

    def log_in(self, name: str, password: str | None = None, scope: Any = None) -> webob.Response:
        user = {"name": name, "domain": {"id": "default"}, "password": password or PASSWORDS[name]}
        return self.authenticate({"methods": ["password"], "password": {"user": user}}, scope)

    def authenticate(self, identity: dict[str, Any], scope: Any = None) -> webob.Response:
        auth: dict[str, Any] = {"identity": identity}
        if scope is not None:
            auth["scope"] = scope
        return self.call("POST", "/auth/tokens", {"auth": auth})

    def token(self, name: str, password: str | None = None, *, project: str) -> str:
        scope = {"project": {"name": project, "domain": {"id": "default"}}}
        response = self.log_in(name, password, scope)
        self.assertEqual(201, response.status_int, response.text)
        return str(response.headers["X-Subject-Token"])

    def make_user(self, name: str, project: str, *roles: str) -> tuple[str, str]:
        """A user with roles on a project that exists; its id and a token."""
        user_id = self.ok("POST", "/users", {"user": {"name": name, "password": "pw"}}, status=201)["user"]["id"]
        for role in roles:
            path = f"/projects/{self.cloud.projects[project]}/users/{user_id}/roles/{self.cloud.roles[role]}"
            self.ok("PUT", path, status=204)
        return user_id, self.token(name, "pw", project=project)
