# SPDX-License-Identifier: Apache-2.0
"""The user's clouds.yaml: our two entries come and go, the rest of it stays to the letter."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import testtools
import yaml

from minicloud.cmd.commands import clouds_yaml
from minicloud.cmd.commands.clouds_yaml import CannotEdit

URL = "http://127.0.0.1:8774"
PASSWORDS = {"admin": "a: #'\"{", "demo": "-d", "service": "s"}
OURS = clouds_yaml.entries(URL, PASSWORDS)

#: Files as people have them; each is edited, and comes back as it was when our entries are removed.
FILES = {
    "one cloud": "clouds:\n  theirs:\n    auth: {username: me}\n",
    "comments and order": (
        "# top\n---\ncache:  # short\n  expiration_time: 1\n\nclouds:   # all of them\n"
        "    # about theirs\n    theirs:\n        auth:\n            username: me # me\n    # end\n\n"
        "    another: {}\n# last\nclient: {force_ipv4: true}\n"
    ),
    "no indent of lists": "clouds:\n  a:\n    regions:\n    - one\n    - two\nz: 1\n",
    "a text in lines": "clouds:\n  a:\n    note: |\n      one\n\n      two\n\nz: 1\n",
    "windows": "clouds:\r\n  theirs:\r\n    auth: {username: me}\r\n",
    "flow": "clouds: {theirs: {auth: {username: me}}, more: {}}\n",
    "json": '{"clouds": {"theirs": {"auth": {"username": "me"}}}}\n',
    "anchors": "clouds:\n  a: &x\n    auth: {username: me}\n  b:\n    <<: *x\n    region_name: r\n",
    "quoted": "'clouds':\n  'theirs':\n    \"auth\": {}\n",
    "names like ours": "clouds:\n  minicloud2: {profile: minicloud}\n  my-minicloud-admin: {}\n",
    "not latin": "clouds:\n  ö☁:\n    auth: {username: 'žluťoučký'}\n",
}

#: Files that are left alone, and a word of the reason.
REFUSED = {
    "broken": ("clouds: [", "not valid YAML"),
    "a list": ("- clouds\n", "not a mapping"),
    "a text": ("clouds", "not a mapping"),
    "clouds is a list": ("clouds:\n- a\n", "'clouds' is not a mapping"),
    "clouds is a text": ("clouds: none at all\n", "'clouds' is not a mapping"),
    "two documents": ("clouds: {}\n---\nclouds: {}\n", "not valid YAML"),
    "python": ("clouds: !!python/object/apply:os.system ['touch /tmp/house-owned']\n", "not valid YAML"),
    "a tab": ("clouds:\n\ttheirs: {}\n", "not valid YAML"),
    "control characters": ("clouds: {a: '\x07'}\n", "not valid YAML"),
    "no such day": ("since: 2025-02-31\nclouds: {}\n", "not valid YAML"),
    "twice": ("clouds:\n  minicloud: {a: 1}\n  minicloud: {b: 1}\n", "more than once"),
    "our anchor is theirs": ("clouds:\n  minicloud: &x {a: 1}\n  b: *x\n", "too unusual"),
    "deep": ("clouds: " + "[" * 5000 + "]" * 5000 + "\n", "nested too deeply"),
    "huge": ("# " + "x" * (1 << 20), "larger than"),
    "an end": ("a: 1\n...\n", ""),
}


class Files(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "clouds.yaml"

    def put(self, text: str) -> None:
        self.path.write_bytes(text.encode())

    def text(self) -> str:
        return self.path.read_bytes().decode()

    def write(self) -> None:
        clouds_yaml.write_clouds_yaml(self.path, URL, PASSWORDS)

    def data(self) -> Any:
        return yaml.safe_load(self.text())


class TestWrite(Files):
    def test_new_file(self) -> None:
        self.path = self.path.parent / "config" / "openstack" / "clouds.yaml"
        self.write()
        self.assertEqual({"clouds": OURS}, self.data())
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))
        auth = OURS["minicloud"]["auth"]
        self.assertEqual(("demo", f"{URL}/identity/v3"), (auth["project_name"], auth["auth_url"]))

    def test_the_rest_stays(self) -> None:
        for name, text in FILES.items():
            with self.subTest(name):
                self.put(text)
                self.write()
                before, after = yaml.safe_load(text), self.data()
                self.assertEqual({**before["clouds"], **OURS}, after["clouds"])
                self.assertEqual({**before, "clouds": 0}, {**after, "clouds": 0})
                if name not in ("flow", "json"):
                    kept = iter(self.text().splitlines(keepends=True))
                    self.assertTrue(all(line in kept for line in text.splitlines(keepends=True)), self.text())

    def test_twice_is_once(self) -> None:
        for name, text in FILES.items():
            with self.subTest(name):
                self.put(text)
                self.write()
                once = self.text()
                self.write()
                self.assertEqual(once, self.text())

    def test_entries_of_before_are_replaced_where_they_are(self) -> None:
        self.put("clouds:\n  a: {}\n  minicloud:\n    auth: {password: old}\n    x:\n    - 1\n  # b's\n  b: {}\n")
        self.write()
        self.assertEqual({"a": {}, **OURS, "b": {}}, self.data()["clouds"])
        self.assertIn("  # b's\n  b: {}\n", self.text())
        self.assertNotIn("old", self.text())

    def test_without_clouds(self) -> None:
        empty = ("clouds:", "clouds:\n", "clouds: {}\n", "clouds: null # none\n")
        for text in ("", "\n", "# mine\n", "# mine", "a: 1\n", *empty):
            with self.subTest(text):
                self.put(text)
                self.write()
                self.assertEqual(OURS, self.data()["clouds"])
                for comment in ("# mine", "# none"):
                    self.assertEqual(comment in text, comment in self.text())

    def test_refused(self) -> None:
        for name, (text, reason) in REFUSED.items():
            with self.subTest(name):
                self.put(text)
                if reason:
                    error = self.assertRaises(CannotEdit, self.write)
                    self.assertIn(reason, str(error))
                    self.assertEqual(text, self.text())
                    continue
                try:
                    self.write()
                except CannotEdit:
                    self.assertEqual(text, self.text())
                else:
                    self.assertEqual({**yaml.safe_load(text), "clouds": OURS}, self.data())

    def test_aliases_upon_aliases_do_not_take_for_ever(self) -> None:
        bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
        self.put(bomb + "clouds: {}\n")
        self.write()
        self.assertTrue(self.text().startswith(bomb))

    def test_an_error_does_not_quote_a_password(self) -> None:
        self.put("clouds:\n  a:\n    password: 'hunter2\n  b: {\n")
        self.assertNotIn("hunter2", str(self.assertRaises(CannotEdit, self.write)))

    def test_not_a_text_file(self) -> None:
        self.path.write_bytes(b"clouds: {a: \xff}\n")
        self.assertRaises(CannotEdit, self.write)
        self.path.unlink()
        self.path.mkdir()
        self.assertRaises(CannotEdit, self.write)
        self.path.rmdir()
        os.mkfifo(self.path)
        self.assertRaises(CannotEdit, self.write)

    def test_a_link_stays_a_link(self) -> None:
        kept = self.path.with_name("dotfiles.yaml")
        kept.write_text("clouds: {}\n")
        self.path.symlink_to(kept)
        self.write()
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(OURS, yaml.safe_load(kept.read_text())["clouds"])

    def test_nothing_is_left_beside_it(self) -> None:
        self.write()
        self.assertEqual([self.path], list(self.path.parent.iterdir()))


class TestRemove(Files):
    def remove(self, passwords: dict[str, str] = PASSWORDS) -> list[str]:
        return clouds_yaml.remove_from_clouds_yaml(self.path, passwords)

    def test_back_to_what_it_was(self) -> None:
        for name, text in FILES.items():
            with self.subTest(name):
                self.put(text)
                self.write()
                self.assertEqual(["minicloud", "minicloud-admin"], self.remove())
                self.assertEqual(text, self.text())

    def test_our_own_file_goes(self) -> None:
        self.write()
        self.remove()
        self.assertFalse(self.path.exists())
        self.assertEqual([], self.remove())

    def test_another_clouds_entries_stay(self) -> None:
        self.write()
        before = self.text()
        self.assertEqual([], self.remove({**PASSWORDS, "admin": "x", "demo": "y"}))
        self.assertEqual(before, self.text())

    def test_the_last_entry_leaves_an_empty_mapping(self) -> None:
        self.put("# mine\nclouds:\n")
        self.write()
        self.remove()
        self.assertEqual({}, self.data()["clouds"])
        self.assertIn("# mine", self.text())
