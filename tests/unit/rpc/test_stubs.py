# SPDX-License-Identifier: Apache-2.0
"""Every stub against the endpoints that implement it.

An endpoint class says ``STUB = ComputeStub`` (several small classes may share one stub).
Its public methods that the stub has must take the same arguments; and once a package has a
``service.py``, which starts its server, every method of the stub must be implemented.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import testtools

import minicloud
from minicloud import rpc
from minicloud.context import RequestContext
from minicloud.rpc.base import Stub

#: Where the endpoints of a topic live; compute's have moved down a folder.
ROOT = Path(minicloud.__file__).parent

#: Stub methods name the host or server a message goes to; the endpoint is that host.
ADDRESS = frozenset({"host", "server"})


def stubs() -> list[type[Stub]]:
    found = []
    for info in pkgutil.iter_modules(rpc.__path__):
        module = importlib.import_module(f"minicloud.rpc.{info.name}")
        found += [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and issubclass(value, Stub)
            and value.TOPIC
            and value.__module__ == module.__name__
        ]
    return found


def methods(cls: type) -> dict[str, Any]:
    """Public methods a class adds to what every stub has."""
    return {
        name: value
        for name, value in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and not hasattr(Stub, name)
    }


def arguments(function: Any, *, but: frozenset[str] = frozenset()) -> list[str]:
    """Arguments as they are sent: by name, without ``self`` and ``ctxt``."""
    return [name for name in list(inspect.signature(function).parameters)[2:] if name not in but]


def endpoints(topic: str) -> Iterator[type]:
    """Classes of the topic's package that name a stub: ``minicloud/<topic>``, ``builtin/<topic>``, of a_b ``a/b``."""
    seen: set[type] = set()
    for name in (f"minicloud.{topic}", f"minicloud.builtin.{topic.replace('_', '.')}"):
        folder = ROOT.joinpath(*name.split(".")[1:])
        for path in sorted(folder.rglob("*.py")) if folder.is_dir() else ():
            if "migrations" in path.parts or "api" in path.parts:
                continue
            relative = path.relative_to(ROOT.parent).with_suffix("")
            module = importlib.import_module(".".join(relative.parts))
            for value in vars(module).values():
                if inspect.isclass(value) and hasattr(value, "STUB") and value not in seen:
                    seen.add(value)
                    yield value


def is_served(topic: str) -> bool:
    return any((ROOT / folder / "service.py").exists() for folder in (topic, f"builtin/{topic}"))


def differences(stub: type[Stub], classes: list[type]) -> list[str]:
    """What a message of the stub would trip over."""
    wrong = []
    offered = {name: (cls, value) for cls in classes for name, value in methods(cls).items()}
    for name, asked in methods(stub).items():
        if name not in offered:
            wrong.append(f"{stub.__name__}.{name} has no endpoint")
            continue
        cls, answered = offered[name]
        # A host is left out when it is the address; the endpoint may still want it as data.
        sent = {tuple(arguments(asked)), tuple(arguments(asked, but=ADDRESS))}
        if tuple(arguments(answered)) not in sent:
            wrong.append(f"{stub.__name__}.{name}{sorted(sent)} but {cls.__name__}.{name}{arguments(answered)}")
    for cls in classes:
        version = getattr(getattr(cls, "target", None), "version", None)
        if version is None or _number(version) < _number(stub.VERSION):
            wrong.append(f"{cls.__name__} is version {version}, {stub.__name__} sends {stub.VERSION}")
    return wrong


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class Recorder:
    """In place of a stub's sending: remembers what would go out."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def __call__(
        self, ctxt: RequestContext, method: str, *, server: Any = None, fanout: Any = False, **rest: Any
    ) -> Any:
        self.sent.append((method, rest))


class TestStubs(testtools.TestCase):
    def test_stubs_are_found(self) -> None:
        self.assertLessEqual({"compute", "conductor", "scheduler"}, {stub.TOPIC for stub in stubs()})

    def test_every_stub_has_its_endpoints(self) -> None:
        wrong = []
        for stub in stubs():
            classes = [cls for cls in endpoints(stub.TOPIC) if cls.STUB is stub]  # type: ignore[attr-defined]
            if classes or is_served(stub.TOPIC):
                wrong += differences(stub, classes)
        self.assertEqual([], wrong)

    def test_stub_methods_send_their_own_name_and_all_arguments(self) -> None:
        for cls in stubs():
            for name, function in methods(cls).items():
                stub = cls.__new__(cls)
                stub.call = stub.cast = recorder = Recorder()  # type: ignore[method-assign,assignment]
                names = arguments(function)
                getattr(stub, name)(None, *names)
                [(method, sent)] = recorder.sent
                self.assertEqual(name, method)
                self.assertLessEqual(set(names) - ADDRESS, set(sent), f"{cls.__name__}.{name}")
                self.assertLessEqual(set(sent), set(names), f"{cls.__name__}.{name}")

    def test_differences_are_seen(self) -> None:
        class ExampleStub(Stub):
            VERSION = "1.1"

            def same(self, ctxt: RequestContext, host: str, what: int) -> None: ...

            def other(self, ctxt: RequestContext, what: int) -> None: ...

            def missing(self, ctxt: RequestContext) -> None: ...

        class Endpoint:
            STUB = ExampleStub
            target = type("Target", (), {"version": "1.0"})

            def same(self, ctxt: RequestContext, what: int) -> None: ...

            def other(self, ctxt: RequestContext, wat: int) -> None: ...

        wrong = differences(ExampleStub, [Endpoint])
        self.assertEqual(3, len(wrong), wrong)
        for text in ("missing has no endpoint", "other", "version 1.0"):
            self.assertTrue(any(text in line for line in wrong), (text, wrong))
