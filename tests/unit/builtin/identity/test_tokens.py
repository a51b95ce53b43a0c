# SPDX-License-Identifier: Apache-2.0
"""Fernet tokens and the keys behind them."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import testtools

from minicloud.builtin.identity.keys import KeyRing
from minicloud.builtin.identity.objects import Grant, Scope
from minicloud.builtin.identity.passwords import Passwords
from minicloud.builtin.identity.tokens import FernetTokens, new_audit_id

_NOW = datetime(2026, 11, 21, 7, 30, 18, 123456)


def _grant(**changes: object) -> Grant:
    values: dict[str, object] = {
        "user_id": uuid4().hex,
        "scope": Scope(type="project", id=uuid4().hex),
        "methods": ("password",),
        "audit_ids": (new_audit_id(),),
        "issued_at": _NOW,
        "expires_at": _NOW + timedelta(hours=1),
    }
    return Grant(**{**values, **changes})  # type: ignore[arg-type]  # the test's own mapping


class KeysTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "keys"
        self.keys = KeyRing(self.folder)


class FernetTokensTest(KeysTestCase):
    def test_a_grant_comes_back_as_it_was(self) -> None:
        tokens = FernetTokens(self.keys)
        for grant in (
            _grant(),
            _grant(scope=Scope()),
            _grant(scope=Scope(type="system", id="all"), methods=("password", "token")),
            _grant(scope=Scope(type="domain", id="default"), audit_ids=("a", "b")),
            _grant(user_id="not-hexadecimal", application_credential_id=uuid4().hex),
            # Would be read as the same UUID, but is another id.
            _grant(user_id=str(uuid4()).upper()),
        ):
            self.assertEqual(grant, tokens.decode(tokens.encode(grant)))

    def test_the_usual_token_fits_in_a_header_and_a_url(self) -> None:
        token = FernetTokens(self.keys).encode(_grant())
        self.assertTrue(len(token) <= 255, len(token))
        self.assertNotIn("=", token)

    def test_what_is_not_a_token_is_none(self) -> None:
        tokens = FernetTokens(self.keys)
        token = tokens.encode(_grant())
        middle = len(token) // 2
        tampered = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
        foreign = FernetTokens(KeyRing(self.folder.parent / "others")).encode(_grant())
        other_payload = self.keys.encrypt(b"\x93\x01\x02\x03").decode()
        for bad in ("", "x", "é" * 20, "=" * 8, "A" * 100_000, tampered, token[:-1], foreign, other_payload):
            self.assertIsNone(tokens.decode(bad), bad[:40])


class KeyRingTest(KeysTestCase):
    def test_only_the_owner_can_read_them(self) -> None:
        self.keys.encrypt(b"x")
        self.assertEqual(0o700, stat.S_IMODE(self.folder.stat().st_mode))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in self.folder.iterdir()}
        self.assertEqual({"0": 0o600, "1": 0o600}, modes)

    def test_rotation_keeps_what_was_made_before(self) -> None:
        token = self.keys.encrypt(b"x")
        self.keys.rotate()
        self.assertEqual(b"x", self.keys.decrypt(token))
        self.assertNotEqual(
            [key.read_bytes() for key in sorted(self.folder.iterdir())][0], (self.folder / "2").read_bytes()
        )

    def test_the_oldest_key_goes(self) -> None:
        token = self.keys.encrypt(b"x")
        self.keys.rotate()
        self.keys.rotate()
        self.assertEqual({"0", "2", "3"}, set(os.listdir(self.folder)))
        self.assertIsNone(self.keys.decrypt(token))

    def test_another_process_follows_a_rotation(self) -> None:
        other = KeyRing(self.folder)
        other.encrypt(b"x")
        self.keys.rotate()
        self.keys.rotate()
        self.assertEqual(b"y", other.decrypt(self.keys.encrypt(b"y")))

    def test_processes_that_start_at_once_have_the_same_keys(self) -> None:
        rings = [KeyRing(self.folder) for _ in range(8)]
        made: list[bytes] = []
        threads = [threading.Thread(target=lambda ring=ring: made.append(ring.encrypt(b"x"))) for ring in rings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([b"x"] * 64, [ring.decrypt(token) for ring in rings for token in made])


class PasswordsTest(testtools.TestCase):
    def test_long_passwords_differ_beyond_what_bcrypt_reads(self) -> None:
        passwords = Passwords(4)
        hashed = passwords.hash("x" * 100 + "a")
        self.assertTrue(passwords.check("x" * 100 + "a", hashed))
        self.assertFalse(passwords.check("x" * 100 + "b", hashed))

    def test_any_text_can_be_one(self) -> None:
        passwords = Passwords(4)
        for password in ("", "pässwörd", "a\0b"):
            self.assertTrue(passwords.check(password, passwords.hash(password)))
        self.assertFalse(passwords.check("a\0c", passwords.hash("a\0b")))

    def test_nobody_knows_what_is_not_there(self) -> None:
        self.assertFalse(Passwords(4).check("", None))
