# SPDX-License-Identifier: Apache-2.0
"""Fernet keys in a directory, so that several processes share them and an operator can rotate them.

A key is a file with a number for its name: the highest encrypts, ``0`` is staged to be the
next that does, and all of them decrypt.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class KeyRing:
    """Encrypts and decrypts with the keys of one directory, made when there are none."""

    def __init__(self, folder: Path, max_active: int = 3) -> None:
        self.folder = folder
        self._max_active = max_active
        self._lock = threading.Lock()
        self._loaded: tuple[int, MultiFernet] | None = None

    def encrypt(self, data: bytes) -> bytes:
        return self._ring().encrypt(data)

    def decrypt(self, token: bytes) -> bytes | None:
        """
        :returns: None for what none of the keys made
        """
        from cryptography.fernet import InvalidToken

        for ring in (self._ring, self._reread):
            found = ring()
            if found is not None:
                try:
                    return found.decrypt(token)
                except (InvalidToken, TypeError, ValueError):
                    pass
        return None

    def rotate(self) -> None:
        """Let the staged key encrypt, stage a new one, and drop the oldest beyond ``max_active``."""
        with self._lock:
            numbers = self._numbers()
            os.rename(self.folder / "0", self.folder / str(max(numbers) + 1))
            self._write_key(0)
            numbers = self._numbers()
            for number in numbers[1 : 1 + max(0, len(numbers) - self._max_active)]:
                (self.folder / str(number)).unlink(missing_ok=True)
            self._loaded = None

    def _ring(self) -> MultiFernet:
        loaded = self._loaded
        if loaded is None:
            with self._lock:
                loaded = self._loaded = self._loaded or self._load()
        return loaded[1]

    def _reread(self) -> MultiFernet | None:
        """The keys anew when another process changed them since."""
        loaded = self._loaded
        if loaded is None or self.folder.stat().st_mtime_ns == loaded[0]:
            return None
        with self._lock:
            self._loaded = self._load()
            return self._loaded[1]

    def _load(self) -> tuple[int, MultiFernet]:
        from cryptography.fernet import Fernet, MultiFernet

        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        numbers = self._numbers()
        if 0 not in numbers:
            self._write_key(0)
        if not any(numbers):
            self._write_key(1)
        changed = self.folder.stat().st_mtime_ns
        newest_first = sorted(self._numbers(), reverse=True)
        return changed, MultiFernet([Fernet((self.folder / str(number)).read_bytes()) for number in newest_first])

    def _numbers(self) -> list[int]:
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit())

    def _write_key(self, number: int) -> None:
        """Appears whole or not at all; of two processes that start at once the first one's stays."""
        from cryptography.fernet import Fernet

        draft = self.folder / f".{number}.{os.getpid()}.{threading.get_ident()}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key())
            os.link(draft, self.folder / str(number))
        except FileExistsError:
            pass
        finally:
            draft.unlink()
