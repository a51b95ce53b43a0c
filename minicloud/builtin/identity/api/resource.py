# SPDX-License-Identifier: Apache-2.0
"""A resource as data: its names, view, filters and schemas make its five operations and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from oslo_policy import policy

from minicloud.builtin.identity.manager.records import Records
from minicloud.builtin.identity.objects import Record
from minicloud.builtin.identity.service import Identity
from minicloud.web.operation import Call, Operation
from minicloud.web.policy import ADMIN, rule
from minicloud.web.validation import Schema

T = TypeVar("T", bound=Record)

#: What an attribute's description is, everywhere.
TEXT: dict[str, Any] = {"type": ["string", "null"], "maxLength": 65535}
NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
ID: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9._:-]+$"}
MAYBE_ID: dict[str, Any] = {**ID, "type": ["string", "null"]}
BOOLEAN: dict[str, Any] = {"type": "boolean"}
TAGS: dict[str, Any] = {
    "type": "array",
    "maxItems": 80,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"},
}
OPTIONS: dict[str, Any] = {
    "type": "object",
    "maxProperties": 50,
    "properties": {"immutable": {"type": ["boolean", "null"]}},
}


def wrapped(
    singular: str, properties: Mapping[str, Any], required: tuple[str, ...] = (), *, open: bool = True
) -> Schema:
    """The schema of ``{"project": {…}}``.

    :param open: whether clients may add attributes of their own, which are kept
    """
    inner = {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": open,
        "maxProperties": 100,
    }
    return Schema({"type": "object", "properties": {singular: inner}, "required": [singular]})


def collection(call: Call[Any], plural: str, path: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list in Keystone's form; it is always whole."""
    query = call.request.query_string
    url = f"{call.url}{path}" + (f"?{query}" if query else "")
    return {plural: items, "links": {"self": url, "previous": None, "next": None}}


@dataclass(frozen=True)
class Resource(Generic[T]):
    """One kind of thing under ``/v3/<plural>``."""

    singular: str
    plural: str
    records: Callable[[Identity], Records[T]]
    #: (call, record) -> its JSON, without links
    view: Callable[[Call[Identity], T], dict[str, Any]]
    create_schema: Schema
    update_schema: Schema
    #: Query keys that are columns; all text ones also with ``__contains`` and so on.
    filters: tuple[str, ...] = ("name",)
    #: From the body's attributes to those to be made.
    defaults: Callable[[Call[Identity], dict[str, Any]], dict[str, Any]] = lambda _call, values: values
    #: From the query's filters to the columns'.
    narrow: Callable[[Call[Identity], dict[str, Any]], dict[str, Any]] = lambda _call, filters: filters
    #: Whether clients choose the id.
    named_by_client: bool = False
    #: Checks that differ from "administrators", by verb: list, get, create, update, delete.
    rules: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v3/{self.plural}"

    @property
    def key(self) -> str:
        return f"{self.singular}_id"

    def operations(self) -> tuple[Operation, ...]:
        one = f"{self.path}/{{{self.key}}}"
        return (
            Operation("GET", self.path, self.listing, self._rule("list")),
            Operation("POST", self.path, self.create, self._rule("create"), body=self.create_schema, status=201),
            Operation("GET", one, self.show),
            Operation("PATCH", one, self.update, self._rule("update"), body=self.update_schema),
            Operation("DELETE", one, self.delete, self._rule("delete"), status=204),
        )

    def policies(self) -> tuple[policy.DocumentedRuleDefault, ...]:
        one = f"{self.path}/{{{self.key}}}"
        verbs = {
            "list": ("GET", self.path),
            "get": ("GET", one),
            "create": ("POST", self.path),
            "update": ("PATCH", one),
            "delete": ("DELETE", one),
        }
        return tuple(
            rule(self._rule(verb), self.rules.get(verb, ADMIN), f"{verb.capitalize()} {self.plural}.", operation)
            for verb, operation in verbs.items()
        )

    def _rule(self, verb: str) -> str:
        return f"identity:{verb}_{self.plural if verb == 'list' else self.singular}"

    def render(self, call: Call[Identity], record: T) -> dict[str, Any]:
        """The record with its links and the attributes that clients added."""
        links = {"self": f"{call.url}{self.path}/{record.id}"}
        return {**record.extra, "id": record.id, **self.view(call, record), "links": links}

    def render_all(self, call: Call[Identity], records: list[T], path: str | None = None) -> dict[str, Any]:
        items = [self.render(call, record) for record in records]
        return collection(call, self.plural, self.path if path is None else path, items)

    # Handlers ----------------------------------------------------------------------------------

    def listing(self, call: Call[Identity]) -> dict[str, Any]:
        filters: dict[str, Any] = {}
        for key, values in call.query.items():
            if key.partition("__")[0] in self.filters:
                filters[key] = values[-1]
        return self.render_all(call, self.records(call.app).listing(self.narrow(call, filters)))

    def create(self, call: Call[Identity]) -> dict[str, Any]:
        values = dict(call.body[self.singular])
        if not self.named_by_client:
            values.pop("id", None)
        values = self.defaults(call, values)
        return {self.singular: self.render(call, self.records(call.app).create(values))}

    def show(self, call: Call[Identity], **path: str) -> dict[str, Any]:
        # Checked before anything is read: who may not see it does not learn whether it exists.
        call.authorize(self._rule("get"), path)
        return {self.singular: self.render(call, self.records(call.app).get(path[self.key]))}

    def update(self, call: Call[Identity], **path: str) -> dict[str, Any]:
        record = self.records(call.app).update(path[self.key], call.body[self.singular])
        return {self.singular: self.render(call, record)}

    def delete(self, call: Call[Identity], **path: str) -> None:
        self.records(call.app).delete(path[self.key])
