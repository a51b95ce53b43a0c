# SPDX-License-Identifier: Apache-2.0
"""Files put into a cloud's image service over HTTP, for commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from keystoneauth1 import adapter, exceptions, session
from keystoneauth1.identity import v3

from minicloud.cmd.commands.base import Refused

_CHUNK = 1 << 20

#: (what, bytes) -> what is told how many of them are sent.
Uploads = Callable[[str, int], Callable[[int], None]]


class Target:
    """An image service, as its administrator."""

    def __init__(self, images: Any) -> None:
        self._images = images

    def put(self, name: str, path: Path, values: Mapping[str, str], uploads: Uploads) -> tuple[str, str]:
        """Make an image of a file.

        :returns: its id and its name
        :raises Refused: when the service does not take it; nothing of it is left then
        """
        try:
            made = self._images.post("/v2/images", json={"name": name, **values}).json()
        except exceptions.ClientException as error:
            raise Refused(f"The image service does not take {name}: {error}") from None
        report = uploads(name, path.stat().st_size)
        try:
            self._images.put(
                f"/v2/images/{made['id']}/file",
                data=_pieces(path, report),
                allow_reauth=False,  # a stream can be sent once
                headers={"Content-Type": "application/octet-stream"},
            )
        except BaseException as error:
            self._images.delete(f"/v2/images/{made['id']}", raise_exc=False)
            if isinstance(error, exceptions.ClientException):
                raise Refused(f"The data of {name} could not be uploaded: {error}") from None
            raise
        return made["id"], name


def connect(url: str, password: str) -> Target:
    """The image service of a cloud of ours.

    :param url: of the cloud, without the path of a service
    :param password: its administrator's
    :raises Refused: when it does not answer
    """
    user = v3.Password(
        auth_url=f"{url}/identity/v3",
        username="admin",
        password=password,
        project_name="admin",
        user_domain_name="Default",
        project_domain_name="Default",
    )
    images = adapter.Adapter(session.Session(auth=user, timeout=600), endpoint_override=f"{url}/image")
    try:
        images.get_token()
    except exceptions.ClientException as error:
        raise Refused(f"The cloud does not answer at {url}: {error}. 'minicloud up' starts it.") from None
    return Target(images)


def _pieces(path: Path, report: Callable[[int], None]) -> Iterator[bytes]:
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
            done += len(chunk)
            report(done)
