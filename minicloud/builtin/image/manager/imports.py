# SPDX-License-Identifier: Apache-2.0
"""Imports: data that the service takes from its staging area or fetches itself, in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from oslo_log import log as logging

from minicloud import exception
from minicloud.builtin.image import errors, fetch, records
from minicloud.builtin.image.db import images, tasks
from minicloud.builtin.image.manager.core import Core
from minicloud.builtin.image.manager.data import Data, require_formats
from minicloud.builtin.image.records import ImageRecord, TaskRecord
from minicloud.context import RequestContext
from minicloud.web import moments

LOG = logging.getLogger(__name__)

DIRECT = "glance-direct"
WEB = "web-download"
#: Import method -> the status an image must be in.
_FROM = {DIRECT: records.UPLOADING, WEB: records.QUEUED}


class Imports:
    """Starts imports and keeps their tasks."""

    def __init__(self, core: Core, data: Data) -> None:
        self._core = core
        self._db = core.db
        self._data = data
        self._pool: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()
        options = core.conf.image
        self._limits = fetch.Limits(
            private_addresses=options.web_download_private_addresses,
            ports=tuple(options.web_download_ports),
            seconds=options.web_download_timeout,
        )

    @property
    def methods(self) -> list[str]:
        return list(self._core.conf.image.enabled_import_methods)

    def start(self, ctxt: RequestContext, image_id: str, body: Mapping[str, Any]) -> TaskRecord:
        """Begin an import.

        :param body: as in the request: ``method`` with its name, and ``uri`` for web-download
        :raises ImageConflict: when the image is not in the status the method wants
        :raises UriRefused: for a URI that will not be tried
        """
        method = self._method(body)
        moment = moments.now()
        with self._db.writer() as conn:
            image = self._core.mine(conn, ctxt, image_id, "import_image")
            have = _FROM[method]
            staged = method != DIRECT or self._core.store.exists(image.id, staged=True)
            if image.status == have and staged:
                require_formats(image)
            if not staged or not images.change_status(conn, image.id, records.IMPORTING, (have,), updated_at=moment):
                raise errors.ImageConflict(have=image.status, want=records.IMPORTING)
            images.remove_properties(conn, image.id, (records.FAILED_IMPORT,))
            images.set_properties(conn, image.id, {records.IMPORTING_TO: records.STORE})
            task = _task(ctxt, image, body, moment)
            tasks.add(conn, task)
        self._executor().submit(self._run, task, image, method, str(body["method"].get("uri")))
        return task

    def of_image(self, ctxt: RequestContext, image_id: str) -> list[TaskRecord]:
        with self._db.reader() as conn:
            image = self._core.visible(conn, ctxt, image_id)
            self._core.authorize(ctxt, "get_image_tasks", image)
            return tasks.of_image(conn, image.id)

    def find(self, limit: int, marker: str | None, status: str | None) -> list[TaskRecord]:
        """A page of all tasks; who asks was checked before."""
        with self._db.reader() as conn:
            return tasks.find(conn, limit, marker, status)

    def get(self, task_id: str) -> TaskRecord:
        with self._db.reader() as conn:
            return tasks.get(conn, task_id)

    def close(self) -> None:
        """Wait for what runs, drop what waits; the next start puts its images back."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _method(self, body: Mapping[str, Any]) -> str:
        name = str(body["method"]["name"])
        if name not in self.methods or name not in _FROM:
            raise exception.BadRequest(f"Unknown import method name '{name}'.")
        unknown = [store for store in body.get("stores", ()) if store != records.STORE]
        if unknown:
            raise exception.Conflict(f"Store {unknown[0][:255]} is not known; there is '{records.STORE}'.")
        if name == WEB:
            uri = body["method"].get("uri")
            if not uri:
                raise exception.BadRequest("The import method web-download needs a uri.")
            fetch.check(uri, self._limits)
        return name

    def _executor(self) -> ThreadPoolExecutor:
        with self._starting:
            if self._pool is None:
                threads = self._core.conf.image.import_threads
                self._pool = ThreadPoolExecutor(threads, thread_name_prefix="image-import")
            return self._pool

    def _run(self, task: TaskRecord, image: ImageRecord, method: str, uri: str) -> None:
        """One import, from claim to end; whatever happens is recorded in the task."""
        try:
            self._record(task, "processing")
            store, limit = self._core.store, self._core.conf.image.image_size_cap
            source: Iterable[bytes]
            source = store.read(image.id, staged=True) if method == DIRECT else fetch.download(uri, self._limits)
            self._data.activate(image, store.write(image.id, source, limit), records.IMPORTING)
            self._record(task, "success", result={"image_id": image.id})
        except Exception as error:
            self._failed(task, image, error)
        finally:
            self._core.store.delete(image.id, staged=True)

    def _failed(self, task: TaskRecord, image: ImageRecord, error: Exception) -> None:
        known = isinstance(error, exception.MinicloudError)
        LOG.warning("The import of image %s failed: %s", image.id, error, exc_info=None if known else error)
        message = str(error) if known else "The data could not be imported; the log has the details."
        with self._db.writer() as conn:
            if images.change_status(conn, image.id, records.QUEUED, (records.IMPORTING,), updated_at=moments.now()):
                images.remove_properties(conn, image.id, (records.IMPORTING_TO,))
                images.set_properties(conn, image.id, {records.FAILED_IMPORT: records.STORE})
            tasks.change(conn, task.id, "failure", moments.now(), message=message)

    def _record(self, task: TaskRecord, status: str, **values: Any) -> None:
        with self._db.writer() as conn:
            tasks.change(conn, task.id, status, moments.now(), **values)


def _task(ctxt: RequestContext, image: ImageRecord, body: Mapping[str, Any], moment: Any) -> TaskRecord:
    return TaskRecord(
        id=str(uuid4()),
        image_id=image.id,
        owner=ctxt.project_id,
        user_id=ctxt.user_id,
        request_id=ctxt.request_id,
        input={"image_id": image.id, "import_req": dict(body), "backend": [records.STORE]},
        created_at=moment,
        updated_at=moment,
    )
