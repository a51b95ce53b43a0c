# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that no linter knows: sizes, licence lines, declared dependencies."""

from __future__ import annotations

import ast
import configparser
import functools
import importlib.metadata
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import testtools

ROOT = Path(__file__).parents[2]

#: Beyond these something wants to be two things. Guidance is far lower: see the house page.
MAX_MODULE_LINES = 600
MAX_FUNCTION_LINES = 80
MAX_METHODS = 25
MAX_FILES_IN_FOLDER = 15

#: Folders that are catalogues by design, one small file per entry of a kind.
CATALOGUES = (
    "minicloud/conf",
    "minicloud/scheduler/filters",
    "minicloud/scheduler/weights",
    "minicloud/virt/libvirt/domain",
    "minicloud/api/v21",
    "minicloud/objects",
)

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def sources(*tops: str) -> Iterator[Path]:
    """Every Python file under some folders of the project."""
    for top in tops:
        yield from sorted((ROOT / top).rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_migration(path: Path) -> bool:
    """A migration lists tables; its one function is as long as the schema."""
    return path.parent.name == "versions"


class TestSizes(testtools.TestCase):
    """No god file, no god class, no endless function is ever born."""

    def test_modules_are_short(self) -> None:
        paths = (p for p in sources("minicloud", "tests") if not is_migration(p))
        long = {name(p): n for p in paths if (n := len(p.read_text().splitlines())) > MAX_MODULE_LINES}
        self.assertEqual({}, long, f"more than {MAX_MODULE_LINES} lines")

    def test_functions_are_short(self) -> None:
        long = {
            f"{name(path)}:{node.lineno} {node.name}": lines(node)
            for path in sources("minicloud")
            if not is_migration(path)
            for node in ast.walk(parsed(path))
            if isinstance(node, FUNCTION) and lines(node) > MAX_FUNCTION_LINES
        }
        self.assertEqual({}, long, f"more than {MAX_FUNCTION_LINES} lines")

    def test_classes_are_small(self) -> None:
        large = {
            f"{name(path)}:{node.lineno} {node.name}": count
            for path in sources("minicloud")
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ClassDef)
            and (count := sum(isinstance(part, FUNCTION) for part in node.body)) > MAX_METHODS
        }
        self.assertEqual({}, large, f"more than {MAX_METHODS} methods")

    def test_folders_are_small(self) -> None:
        folders = {path.parent for path in sources("minicloud")}
        counts = {name(f): sum(p.name != "__init__.py" for p in f.glob("*.py")) for f in folders}
        large = {f: n for f, n in counts.items() if n > MAX_FILES_IN_FOLDER and f not in CATALOGUES}
        large = {f: n for f, n in large.items() if not f.endswith("/versions")}
        self.assertEqual({}, large, f"more than {MAX_FILES_IN_FOLDER} files: make a sub-folder")


class TestHeads(testtools.TestCase):
    """Each file says its licence and what it is for."""

    def test_first_line_is_the_licence(self) -> None:
        want = "# SPDX-License-Identifier: Apache-2.0"
        missing = [
            name(path)
            for path in sources("minicloud", "tests")
            if path.stat().st_size and path.read_text().splitlines()[0] != want
        ]
        self.assertEqual([], missing, f"first line is not {want!r}")

    def test_module_has_a_docstring(self) -> None:
        bare = [name(p) for p in sources("minicloud") if p.stat().st_size and not ast.get_docstring(parsed(p))]
        self.assertEqual([], bare)

    def test_no_licence_block(self) -> None:
        block = "Licensed under the " + "Apache License"
        self.assertEqual([], [name(p) for p in sources("minicloud", "tests") if block in p.read_text()])


def _imported(path: Path) -> Iterator[str]:
    """Top-level names of what a module imports, at any depth of the file."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


def _normal(requirement: str) -> str:
    """The project name of a requirement, as packaging compares names."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


class TestPackaging(testtools.TestCase):
    """setup.cfg tells the truth about what minicloud is and needs."""

    def setUp(self) -> None:
        super().setUp()
        self.setup = configparser.ConfigParser()
        self.setup.read(ROOT / "setup.cfg")

    def requirements(self) -> list[str]:
        extras = self.setup["options.extras_require"]
        texts = [self.setup["options"]["install_requires"], *extras.values()]
        return [line.strip() for text in texts for line in text.splitlines() if line.strip()]

    def test_every_requirement_has_floor_and_ceiling(self) -> None:
        loose = [text for text in self.requirements() if not re.search(r">=[\d.]+,<[\d.]+$", text)]
        self.assertEqual(["types-PyYAML>=6.0"], loose, "only stubs follow their library without a ceiling")

    def test_every_import_is_declared(self) -> None:
        declared = {_normal(text) for text in self.requirements()}
        providers = importlib.metadata.packages_distributions()
        undeclared = {
            f"{name(path)}: {top}"
            for path in sources("minicloud")
            for top in _imported(path)
            if top not in sys.stdlib_module_names
            and top != "minicloud"
            and not declared & {_normal(owner) for owner in providers.get(top, [top])}
        }
        self.assertEqual(set(), undeclared)

    def test_every_entry_point_is_there(self) -> None:
        missing = []
        for group in self.setup["options.entry_points"].values():
            for line in filter(None, map(str.strip, group.splitlines())):
                module, _, attribute = line.partition("=")[2].strip().partition(":")
                if not _defines(module, attribute):
                    missing.append(line)
        self.assertEqual([], missing)

    def test_migrations_are_packaged(self) -> None:
        """setuptools finds the plain folders that hold migrations."""
        from setuptools import find_namespace_packages

        found = set(find_namespace_packages(str(ROOT), include=["minicloud", "minicloud.*"]))
        for path in sources("minicloud"):
            package = name(path.parent).replace(os.sep, ".")
            self.assertIn(package, found)


def _source(module: str) -> Path | None:
    base = ROOT / module.replace(".", "/")
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.exists()), None)


def _defines(module: str, attribute: str) -> bool:
    """Whether a module's source binds a name at its top level; the module is not run."""
    source = _source(module)
    if source is None:
        return False
    names: set[str] = set()
    for node in parsed(source).body:
        if isinstance(node, (*FUNCTION, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return attribute in names
