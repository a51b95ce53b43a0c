# SPDX-License-Identifier: Apache-2.0
"""One agent for one machine: two would each remove what they know nothing of, which is the other's.

What an agent makes stays when it ends, so that guests go on. Hence there is more than a lock: a file says whose
cloud it was that worked here last, and another one keeps its hands off while that cloud is there.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from oslo_config import cfg

from minicloud.builtin.network.agent import privileged
from minicloud.exception import ConfigurationError


class Lock:
    """Held from its making until :meth:`release`, or the end of the process."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """
        :raises ConfigurationError: when another process has it, or another cloud
        """
        folder = conf.network.runtime_dir
        privileged.run(["install", "-d", "-m", "0755", "-o", str(os.geteuid()), folder])
        self._path = Path(folder) / "lock"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise ConfigurationError(
                f"another network agent works on this machine: it holds {folder}/lock. A machine has one, since all "
                "make their devices by the same names. Stop the other cloud, or let this one have [network] driver = "
                "books.BooksDriver.",
                reason="locked",
            ) from None
        if other := owner(conf):
            self.release()
            raise ConfigurationError(
                f"the networks on this machine are those of the cloud at {other}, whose guests may run. Remove it "
                f"(minicloud reset --state-dir {other}), or let this one have [network] driver = books.BooksDriver.",
                reason="owned",
            )
        # Whoever is killed in here leaves an empty file, which is nobody's.
        _owner_file(conf).write_text(f"{_state(conf)}\n")

    def release(self) -> None:
        os.close(self._file)

    def remove(self) -> None:
        """Release it where nothing else is left of agents."""
        self._path.with_name(_OWNER).unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        self.release()
        privileged.run(["rmdir", str(self._path.parent)], codes=(0, 1))


_OWNER = "owner"


def owner(conf: cfg.ConfigOpts) -> str | None:
    """The state directory of another cloud, which is there and whose agent worked on this machine last; else None."""
    try:
        found = _owner_file(conf).read_text().strip()
    except OSError:
        return None
    is_other = found != _state(conf) and Path(found).is_dir() and any(Path(found).iterdir())
    return found if found and is_other else None


def is_owner(conf: cfg.ConfigOpts) -> bool:
    """Whether the agent that worked on this machine last was this cloud's."""
    try:
        return _owner_file(conf).read_text().strip() == _state(conf)
    except OSError:
        return False


def _owner_file(conf: cfg.ConfigOpts) -> Path:
    return Path(conf.network.runtime_dir) / _OWNER


def _state(conf: cfg.ConfigOpts) -> str:
    return os.path.realpath(str(conf.state_dir))
