# SPDX-License-Identifier: Apache-2.0
"""What answers must look like: Tempest's response schemas, and the structure of Nova's published samples."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import testtools
from tempest.lib.api_schema import response  # type: ignore[import-untyped]
from tempest.lib.common.jsonschema_validator import (  # type: ignore[import-untyped]
    FORMAT_CHECKER,
    JSONSCHEMA_VALIDATOR,
)

from minicloud.api.microversions import MAXIMUM

#: Keys whose content is the users'.
OPEN = frozenset({"addresses", "extra_specs", "metadata", "properties", "scheduler_hints"})

SAMPLES = Path(__file__).parents[2] / "fixtures" / "api_samples"

compute = importlib.import_module(f"{response.__name__}.compute")


def schemas(module: str) -> dict[int, Any]:
    """First minor number -> Tempest's module of response schemas."""
    found = {}
    # Not by pkgutil: one of the folders is no regular package.
    for path in Path(compute.__path__[0]).glob(f"v2_*/{module}.py"):
        found[int(path.parent.name.split("_")[1])] = importlib.import_module(
            f"{compute.__name__}.{path.parent.name}.{module}"
        )
    return found


def at(version: int, modules: dict[int, Any]) -> Any:
    return modules[max(one for one in modules if one <= version)]


def check(test: testtools.TestCase, schema: Any, answer: Any, about: Any) -> None:
    """Hold an answer against one of Tempest's schemas."""
    validator = JSONSCHEMA_VALIDATOR(schema["response_body"], format_checker=FORMAT_CHECKER)
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(answer)]
    test.assertEqual([], problems, str(about))


def sample(name: str, version: int) -> Any:
    """A published sample, such as ``flavors/flavor-get-resp``, of the newest folder up to a microversion."""
    folder, _, file = name.partition("/")
    found = {1: SAMPLES / folder / f"{file}.json"}
    for path in (SAMPLES / folder).glob(f"v2.*/{file}.json"):
        found[int(path.parent.name.removeprefix("v2."))] = path
    return json.loads(found[max(one for one in found if one <= version)].read_text())


def steps(modules: dict[int, Any], *folders: str) -> list[int]:
    """The microversions at which Tempest's schemas or the samples change, those before them, and the newest."""
    found = {1, MAXIMUM, *modules}
    for folder in folders:
        found |= {int(path.name.removeprefix("v2.")) for path in (SAMPLES / folder).glob("v2.*")}
    return sorted(found | {version - 1 for version in found if version > 1})


def like(test: testtools.TestCase, expected: Any, answer: Any, about: Any, path: str = "") -> None:
    """Whether an answer has the keys and types of a sample; its values, and links of pages, are its own."""
    if isinstance(expected, dict) and isinstance(answer, dict):
        keys = {key for key in {*expected} ^ {*answer} if not key.endswith("_links")}
        test.assertEqual(set(), keys, f"{about} {path}: in one of them only")
        for key in expected.keys() & answer.keys():
            if key not in OPEN:
                like(test, expected[key], answer[key], about, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(answer, list):
        for one in answer if expected else ():
            like(test, expected[0], one, about, f"{path}[]")
    elif expected is not None and answer is not None:
        test.assertEqual(_kind(expected), _kind(answer), f"{about} {path}: {answer!r}")


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
