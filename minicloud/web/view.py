# SPDX-License-Identifier: Apache-2.0
"""Views as tables of fields: name, source, since, until."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from minicloud.web.operation import Call

T = TypeVar("T")


class Field(NamedTuple):
    """One key of an answer; ``source`` takes (call, thing)."""

    name: str
    source: Callable[[Any, Any], Any]
    since: int = 1
    until: int | None = None
    #: Policy rule without which the key is left out.
    rule: str | None = None


class View(Generic[T]):
    """Renders a thing as the fields that exist at the call's microversion."""

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self._at: dict[int, tuple[Field, ...]] = {}

    def at(self, version: int) -> tuple[Field, ...]:
        found = self._at.get(version)
        if found is None:
            found = self._at[version] = tuple(
                field
                for field in self.fields
                if version == 0 or (field.since <= version and (field.until is None or version <= field.until))
            )
        return found

    def render(self, call: Call[Any], thing: T) -> dict[str, Any]:
        return {
            field.name: field.source(call, thing)
            for field in self.at(call.version)
            if field.rule is None or call.may(field.rule)
        }

    def render_all(self, call: Call[Any], things: list[T]) -> list[dict[str, Any]]:
        """Like :meth:`render` for many: rules that do not depend on the thing are asked once."""
        fields = [(one.name, one.source) for one in self.at(call.version) if one.rule is None or call.may(one.rule)]
        return [{name: source(call, thing) for name, source in fields} for thing in things]
