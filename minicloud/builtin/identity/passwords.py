# SPDX-License-Identifier: Apache-2.0
"""Passwords and secrets as bcrypt hashes."""

from __future__ import annotations

import base64
import hashlib


def _digest(password: str) -> bytes:
    # bcrypt reads 72 bytes and stops at NUL; a digest in base64 has 44 and none.
    return base64.b64encode(hashlib.sha256(password.encode()).digest())


class Passwords:
    """Makes and checks hashes; a check takes as long when there is nothing to check against."""

    def __init__(self, rounds: int) -> None:
        """
        :param rounds: bcrypt's cost, as a power of two
        """
        self._rounds = rounds
        self._decoy: bytes | None = None

    def hash(self, password: str) -> str:
        import bcrypt  # a process that never sees a password does without it

        return bcrypt.hashpw(_digest(password), bcrypt.gensalt(self._rounds)).decode()

    def check(self, password: str, hashed: str | None) -> bool:
        """
        :param hashed: None for an unknown user or one without a password: False, after the usual time
        """
        import bcrypt

        if hashed is None:
            if self._decoy is None:
                self._decoy = bcrypt.gensalt(self._rounds)
            bcrypt.hashpw(_digest(password), self._decoy)
            return False
        return bcrypt.checkpw(_digest(password), hashed.encode())
