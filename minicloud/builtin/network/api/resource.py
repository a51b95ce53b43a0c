# SPDX-License-Identifier: Apache-2.0
"""How a resource is declared: a table of attributes, from which its API derives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from minicloud.builtin.network.manager.base import Manager
from minicloud.web.validation import Schema

#: No default: the manager decides what a missing value means.
OPEN: Any = object()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One key of a resource."""

    name: str
    #: JSON Schema of a value; None for what only the service sets.
    schema: Mapping[str, Any] | None = None
    default: Any = OPEN
    required: bool = False
    post: bool = True
    put: bool = True
    #: Whether giving it other than its default asks the policy ``create_x:name`` or ``update_x:name``.
    guarded: bool = False
    #: Whether showing it asks the policy ``get_x:name``.
    hidden: bool = False
    #: Whether it is a column, which can be filtered and sorted by.
    stored: bool = True
    #: Whether answers have it at all; not so for what only steers how a thing is made.
    shown: bool = True
    #: Makes the value of what the schema let pass.
    convert: Callable[[Any], Any] | None = None

    @property
    def column(self) -> str:
        """The field of the entity."""
        return self.name.replace(":", "_")


@dataclass(frozen=True)
class Resource:
    """A kind of thing of the API."""

    name: str
    plural: str
    attributes: tuple[Attribute, ...]
    manager: Manager[Any]
    #: Segment of the URL; by default the plural with dashes.
    path: str = ""
    bulk: bool = True
    updatable: bool = True
    sentence: str = ""
    extra_rules: tuple[Any, ...] = ()
    by_name: dict[str, Attribute] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", (*HEAD, *self.attributes, *TAIL))
        self.by_name.update({attribute.name: attribute for attribute in self.attributes})

    @property
    def url(self) -> str:
        return "/v2.0/" + (self.path or self.plural.replace("_", "-"))

    @cached_property
    def create_schema(self) -> Schema:
        one = self._document("post", required=True)
        forms: dict[str, Any] = {self.name: one}
        if self.bulk:
            forms[self.plural] = {"type": "array", "items": one, "minItems": 1, "maxItems": 500}
        return Schema(
            {
                "type": "object",
                "properties": forms,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            }
        )

    @cached_property
    def update_schema(self) -> Schema:
        document = self._document("put", required=False)
        return Schema(
            {
                "type": "object",
                "properties": {self.name: document},
                "required": [self.name],
                "additionalProperties": False,
            }
        )

    def _document(self, verb: str, *, required: bool) -> dict[str, Any]:
        writable = [each for each in self.attributes if each.schema is not None and getattr(each, verb)]
        return {
            "type": "object",
            "properties": {each.name: each.schema for each in writable},
            "required": [each.name for each in writable if each.required] if required else [],
            "additionalProperties": False,
        }


# --- schemas of values -------------------------------------------------------------------------


def text(most: int = 255, *, least: int = 0, null: bool = False) -> dict[str, Any]:
    return {"type": ["string", "null"] if null else "string", "minLength": least, "maxLength": most}


def optional(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, schema]}


_TRUE = (True, 1, "1", "true", "True", "TRUE", "yes", "on")
_FALSE = (False, 0, "0", "false", "False", "FALSE", "no", "off")
BOOLEAN: dict[str, Any] = {"enum": [*_TRUE, *_FALSE]}
ID = {"type": "string", "minLength": 1, "maxLength": 36}
ADDRESS = {"type": "string", "format": "ip"}
CIDR = {"type": "string", "format": "cidr", "maxLength": 49}
MAC = {"type": "string", "format": "mac"}
NAMES = {"type": "array", "items": text(255), "maxItems": 20}
ROUTES = {
    "type": "array",
    "maxItems": 30,
    "items": {
        "type": "object",
        "properties": {"destination": CIDR, "nexthop": ADDRESS},
        "required": ["destination", "nexthop"],
        "additionalProperties": False,
    },
}


def boolean(value: Any) -> bool:
    """A boolean as clients write it."""
    return value is True or value in _TRUE


def flag(name: str, default: Any = False, **options: Any) -> Attribute:
    """A boolean attribute."""
    return Attribute(name, BOOLEAN, default=default, convert=boolean, **options)


def shown(name: str, *, stored: bool = True, hidden: bool = False) -> Attribute:
    """An attribute that only the service sets."""
    return Attribute(name, None, post=False, put=False, stored=stored, hidden=hidden)


def blank(value: Any) -> str:
    """A missing text is an empty one."""
    return "" if value is None else str(value)


#: What every resource has, before and behind its own attributes.
HEAD = (shown("id"),)
TAIL = (
    Attribute("description", text(null=True), default="", convert=blank),
    Attribute("project_id", text(64, null=True), put=False),
    Attribute("tenant_id", text(64, null=True), put=False, stored=False),
    shown("revision_number"),
    shown("created_at"),
    shown("updated_at"),
    shown("tags", stored=False),
)
