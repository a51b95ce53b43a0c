# SPDX-License-Identifier: Apache-2.0
"""What travels: frozen typed structs in an envelope ``{type, version, data}``.

Within a major version fields are only added, with defaults, and unknown fields are
ignored, so that neighbours one release apart can talk.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar

import msgspec

S = TypeVar("S", bound="Struct")

_REGISTRY: dict[str, type[Struct]] = {}


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that travels; a subclass is registered by its name.

    msgspec hands ``kw_only`` down to no subclass, so each says it again.
    """

    VERSION: ClassVar[str] = "1.0"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _REGISTRY[cls.__name__] = cls

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class IncompatibleObject(Exception):
    """A struct of another major version, or of a type this release does not know."""


def to_envelope(value: Struct) -> dict[str, Any]:
    """The envelope of a struct, in builtin types only."""
    return {"type": type(value).__name__, "version": value.VERSION, "data": msgspec.to_builtins(value)}


def from_envelope(envelope: dict[str, Any]) -> Struct:
    """The struct in an envelope.

    :raises IncompatibleObject: for an unknown type or another major version
    """
    cls = _REGISTRY.get(envelope["type"])
    if cls is None or envelope["version"].split(".")[0] != cls.VERSION.split(".")[0]:
        raise IncompatibleObject(f"{envelope['type']} {envelope['version']}")
    return msgspec.convert(envelope["data"], cls)


def to_builtins(value: Any) -> Any:
    """Any argument or result as JSON-able builtins; structs become envelopes, at any depth."""
    if isinstance(value, Struct):
        return {"__struct__": to_envelope(value)}
    if isinstance(value, dict):
        return {key: to_builtins(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_builtins(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return msgspec.to_builtins(value)


def from_builtins(value: Any) -> Any:
    """The inverse of :func:`to_builtins`; sequences come back as lists."""
    if isinstance(value, dict):
        if "__struct__" in value and len(value) == 1:
            return from_envelope(value["__struct__"])
        return {key: from_builtins(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_builtins(item) for item in value]
    return value
