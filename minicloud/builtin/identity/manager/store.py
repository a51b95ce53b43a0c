# SPDX-License-Identifier: Apache-2.0
"""What every use case works with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from oslo_config import cfg

from minicloud.builtin.identity.keys import KeyRing
from minicloud.builtin.identity.passwords import Passwords
from minicloud.db.session import Database


class Store:
    """The database, the keys and the settings of one identity service."""

    def __init__(self, conf: cfg.ConfigOpts, db: Database) -> None:
        options = conf.identity
        folder = Path(conf.state_dir) / "identity"
        self.db = db
        self.token_keys = KeyRing(folder / "fernet-keys", options.fernet_max_active_keys)
        self.credential_keys = KeyRing(folder / "credential-keys", options.fernet_max_active_keys)
        self.passwords = Passwords(options.password_hash_rounds)
        self.token_life = timedelta(seconds=options.token_expiration)
        self.expired_window = timedelta(seconds=options.allow_expired_window)
        self.cache_time: float = options.cache_time
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def revocation_life(self) -> timedelta:
        """How long a token issued now could still be asked about."""
        return self.token_life + self.expired_window

    def when_changed(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after anything that may change what a token means."""
        with self._lock:
            self._listeners.append(listener)

    def changed(self) -> None:
        """To be called after the transaction, so that nobody remembers what was before."""
        for listener in self._listeners:
            listener()
