# SPDX-License-Identifier: Apache-2.0
"""The password that a guest has made for its owner: told once, encrypted with the owner's key, read by the API."""

from __future__ import annotations

from typing import Final

from minicloud import context, exception
from minicloud.api.deployment import Deployment
from minicloud.api.v21.servers.password import KEY
from minicloud.db.cell import instances
from minicloud.web.moments import now

#: Bytes of one; more than any key makes of a password.
MOST: Final = 1020


def read(app: Deployment, instance_id: str) -> bytes:
    """What the guest told; empty while it has not.

    :raises InstanceNotFound:
    """
    _, instance = app.cells.instance(context.admin(), instance_id)
    return instance.system_metadata.get(KEY, "").encode()


def write(app: Deployment, instance_id: str, raw: bytes) -> None:
    """
    :raises BadRequest: for what is too long or no text
    :raises Conflict: 409, when there is one already
    :raises InstanceNotFound:
    """
    if len(raw) > MOST:
        raise exception.BadRequest(f"A password has at most {MOST} bytes.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise exception.BadRequest("A password is text.")

    def once(items: dict[str, str]) -> dict[str, str]:
        if items.get(KEY):
            raise exception.Conflict("The password is set already.")
        return {**items, KEY: text}

    cell, _ = app.cells.instance(context.admin(), instance_id)
    with cell.db.writer() as conn:
        instances.change_system_metadata(conn, instance_id, once, now())
