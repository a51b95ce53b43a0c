# SPDX-License-Identifier: Apache-2.0
"""Whose guests are whose, where several clouds share a machine: each has a word of its own, and so have its guests."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

from minicloud import exception

#: The file of a state directory that holds it; whoever copies the directory copies the cloud.
FILE = "cloud-id"


def cloud_id(state_dir: str | Path) -> str:
    """The id of the cloud whose state directory this is, made up at the first call.

    It is in the mark that drivers put on guests: a guest with another one is another cloud's, whatever its
    host is called. Whoever comes second at the same moment gets what the first one made.

    :raises ConfigurationError: when it cannot be read or made
    """
    path = Path(state_dir) / FILE
    try:
        if not path.exists():
            _make(path)
        found = path.read_text().strip()
    except OSError as error:
        raise exception.ConfigurationError(reason=f"{path} cannot be used: {error.strerror}") from None
    if not found:
        raise exception.ConfigurationError(
            reason=f"{path} is empty: it has to hold the id that the guests of this cloud are marked with"
        )
    return found


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".cloud-id-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{uuid.uuid4()}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # Whole or not at all, and never over another.
            os.link(draft, path)
        except FileExistsError:
            pass
    finally:
        os.unlink(draft)
