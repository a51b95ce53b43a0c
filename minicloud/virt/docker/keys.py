# SPDX-License-Identifier: Apache-2.0
"""The SSH key of a server's owner, put where its image's SSH daemon looks for it.

Images for containers seldom have cloud-init, so the driver does this one thing of it, as
others do by injection: ``/root/.ssh/authorized_keys`` gets one more line before the first start.
"""

from __future__ import annotations

import io
import tarfile
from typing import Any

from docker import errors

#: Bytes of a file of an image that are read.
_MOST = 1 << 20

_FILE = "root/.ssh/authorized_keys"


def authorize(api: Any, container: str, key: str) -> None:
    """
    :param api: of the Docker daemon
    :param container: one that was made and not started yet
    :param key: a line of OpenSSH's
    """
    lines = _present(api, container)
    line = key.strip().encode() + b"\n"
    if line in lines:
        return
    if lines and not lines.endswith(b"\n"):
        lines += b"\n"
    api.put_archive(container, "/", _tar(lines + line))


def _present(api: Any, container: str) -> bytes:
    try:
        stream, _stat = api.get_archive(container, f"/{_FILE}")
    except errors.NotFound:
        return b""
    content = bytearray()
    for piece in stream:
        content += piece
        if len(content) > _MOST:
            return b""
    with tarfile.open(fileobj=io.BytesIO(bytes(content))) as archive:
        member = archive.next()
        found = archive.extractfile(member) if member is not None and member.isreg() else None
        return b"" if found is None else found.read()


def _tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        # Not the home itself, whose owner and mode stay as they are; Docker makes one that is missing.
        folder = tarfile.TarInfo("root/.ssh")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        archive.addfile(folder)
        file = tarfile.TarInfo(_FILE)
        file.size, file.mode = len(content), 0o600
        archive.addfile(file, io.BytesIO(content))
    return buffer.getvalue()
