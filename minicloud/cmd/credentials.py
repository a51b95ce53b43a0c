# SPDX-License-Identifier: Apache-2.0
"""The passwords of a cloud's first users, and where clients find them."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path

from minicloud.cmd.commands.clouds_yaml import write_clouds_yaml

__all__ = ["CorruptPasswords", "load_or_create", "write_clouds_yaml"]

#: Whose passwords there are.
NAMES = ("admin", "demo", "minicloud")


class CorruptPasswords(Exception):
    """The file of passwords is not what minicloud wrote."""


def load_or_create(state_dir: str | Path) -> dict[str, str]:
    """The passwords of :data:`NAMES`, made up at the first call.

    They lie in ``passwords.json``, which only its owner may read. Whoever comes second at
    the same moment gets what the first one made.

    :raises CorruptPasswords: when the file is there and is something else
    """
    path = Path(state_dir) / "passwords.json"
    if path.exists():
        return _read(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp makes it 0600. A link appears whole or not at all, and never over another.
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".passwords-")
    try:
        with os.fdopen(handle, "w") as file:
            json.dump({name: secrets.token_urlsafe(18) for name in NAMES}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
    finally:
        os.unlink(draft)
    return _read(path)


def load(state_dir: str | Path) -> dict[str, str] | None:
    """The passwords, if there are any.

    :raises CorruptPasswords: as above
    """
    path = Path(state_dir) / "passwords.json"
    return _read(path) if path.exists() else None


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CorruptPasswords(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) and found[name] for name in NAMES):
        raise CorruptPasswords(f"{path} has not the passwords of {', '.join(NAMES)}")
    return {name: found[name] for name in NAMES}
