# SPDX-License-Identifier: Apache-2.0
"""The five verbs of every resource, and its tags."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.api import listing
from minicloud.builtin.network.api.resource import OPEN, Attribute, Resource
from minicloud.builtin.network.db import quotas
from minicloud.builtin.network.entities import SecurityGroupRule, Standard
from minicloud.builtin.network.manager.base import Values
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.web import moments
from minicloud.web.operation import Call, Operation
from minicloud.web.validation import Schema

TAGS = Schema(
    {
        "type": "object",
        "properties": {
            "tags": {
                "type": "array",
                "maxItems": 50,
                "items": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]+$"},
            }
        },
        "required": ["tags"],
        "additionalProperties": False,
    }
)


class Handlers:
    """What a declared resource answers."""

    def __init__(self, resource: Resource, nested: Handlers | None = None) -> None:
        """
        :param nested: of the resource whose things stand within this one's (rules in a group)
        """
        self.resource = resource
        self.manager = resource.manager
        self.nested = nested

    def operations(self) -> tuple[Operation, ...]:
        """The rows of the API's table."""
        url, one = self.resource.url, self.resource.url + "/{key}"
        read = f"get_{self.resource.name}"
        rows = [
            Operation("GET", url, self.index, rule=read),
            Operation("POST", url, self.create, body=self.resource.create_schema, status=201),
            Operation("GET", one, self.show, rule=read),
            Operation("DELETE", one, self.delete, status=204),
            Operation("GET", one + "/tags", self.tags, rule=read),
            Operation("PUT", one + "/tags", self.set_tags, body=TAGS),
            Operation("POST", one + "/tags", self.add_tags, body=TAGS),
            Operation("DELETE", one + "/tags", self.clear_tags, status=204),
            Operation("GET", one + "/tags/{tag}", self.has_tag, rule=read, status=204),
            Operation("PUT", one + "/tags/{tag}", self.add_tag, status=201),
            Operation("DELETE", one + "/tags/{tag}", self.remove_tag, status=204),
        ]
        if self.resource.updatable:
            rows.append(Operation("PUT", one, self.update, body=self.resource.update_schema))
        return tuple(rows)

    # --- verbs ---------------------------------------------------------------------------------

    def index(self, call: Call[Core]) -> dict[str, Any]:
        self._complete(call)
        with call.app.reading(call.ctxt) as unit:
            page = listing.listing(call, self.resource, unit.viewer)
            clauses = self.manager.clauses(unit, listing.special(call, self.resource))
            found = self.manager.repository.page(unit.conn, page, *clauses)
            documents = self.render(call, unit, found, listing.fields(call.query))
        keys = [entity.id for entity in found]
        return {self.resource.plural: documents, **listing.links(call, self.resource, page, keys)}

    def show(self, call: Call[Core], key: str) -> dict[str, Any]:
        self._complete(call)
        with call.app.reading(call.ctxt) as unit:
            entity = self.manager.repository.get(unit.conn, key, unit.viewer)
            return {self.resource.name: self.render(call, unit, [entity], listing.fields(call.query))[0]}

    def create(self, call: Call[Core]) -> dict[str, Any]:
        several = self.resource.plural in call.body
        bodies = call.body[self.resource.plural] if several else [call.body[self.resource.name]]
        wanted = [self._new(call, body) for body in bodies]

        def work(unit: Unit) -> list[dict[str, Any]]:
            made = []
            for body, values in zip(bodies, wanted, strict=True):
                target = self.manager.target(unit, values)
                self._authorize(call, "create", target, body, {})
                made.append(self.manager.create(unit, copy.deepcopy(values)))
            return self.render(call, unit, made, None)

        documents = call.app.run(call.ctxt, work)
        return {self.resource.plural: documents} if several else {self.resource.name: documents[0]}

    def update(self, call: Call[Core], key: str) -> dict[str, Any]:
        body = call.body[self.resource.name]

        def work(unit: Unit) -> dict[str, Any]:
            entity = self.manager.repository.get(unit.conn, key, unit.viewer)
            self._authorize(call, "update", self.manager.owner(unit, entity), body, entity)
            changed = self.manager.update(unit, entity, copy.deepcopy(self._converted(body)))
            return self.render(call, unit, [changed], None)[0]

        return {self.resource.name: call.app.run(call.ctxt, work)}

    def delete(self, call: Call[Core], key: str) -> None:
        def work(unit: Unit) -> None:
            entity = self.manager.repository.get(unit.conn, key, unit.viewer)
            call.authorize(f"delete_{self.resource.name}", self.manager.owner(unit, entity))
            self.manager.delete(unit, entity)

        call.app.run(call.ctxt, work)

    # --- tags ----------------------------------------------------------------------------------

    def tags(self, call: Call[Core], key: str) -> dict[str, Any]:
        with call.app.reading(call.ctxt) as unit:
            entity = self.manager.repository.get(unit.conn, key, unit.viewer)
            return {"tags": quotas.tags(unit.conn, [entity.id])[entity.id]}

    def set_tags(self, call: Call[Core], key: str) -> dict[str, Any]:
        return {"tags": self._retag(call, key, lambda _old: call.body["tags"])}

    def add_tags(self, call: Call[Core], key: str) -> dict[str, Any]:
        return {"tags": self._retag(call, key, lambda old: [*old, *call.body["tags"]])}

    def clear_tags(self, call: Call[Core], key: str) -> None:
        self._retag(call, key, lambda _old: [])

    def has_tag(self, call: Call[Core], key: str, tag: str) -> None:
        if tag not in self.tags(call, key)["tags"]:
            raise exception.TagNotFound(tag=tag)

    def add_tag(self, call: Call[Core], key: str, tag: str) -> None:
        TAGS.validate({"tags": [tag]})
        self._retag(call, key, lambda old: [*old, tag])

    def remove_tag(self, call: Call[Core], key: str, tag: str) -> None:
        def without(old: Sequence[str]) -> list[str]:
            if tag not in old:
                raise exception.TagNotFound(tag=tag)
            return [each for each in old if each != tag]

        self._retag(call, key, without)

    def _retag(self, call: Call[Core], key: str, change: Any) -> Any:
        def work(unit: Unit) -> list[str]:
            entity = self.manager.repository.get(unit.conn, key, unit.viewer)
            call.authorize(f"update_{self.resource.name}", self.manager.owner(unit, entity))
            quotas.set_tags(unit.conn, key, change(quotas.tags(unit.conn, [key])[key]))
            self.manager.repository.update(unit.conn, key)
            return quotas.tags(unit.conn, [key])[key]

        return call.app.run(call.ctxt, work)

    # --- in and out ----------------------------------------------------------------------------

    def render(
        self, call: Call[Core], unit: Unit, entities: Sequence[Any], fields: set[str] | None
    ) -> list[dict[str, Any]]:
        """Things as the caller sees them; one look at the policy and a few statements for all."""
        chosen = [
            attribute
            for attribute in self.resource.attributes
            if attribute.shown and (fields is None or attribute.name in fields) and self._may_see(call, attribute)
        ]
        extras = self.manager.extras(unit, list(entities))
        tags = quotas.tags(unit.conn, [entity.id for entity in entities])
        documents = []
        for entity, extra in zip(entities, extras, strict=True):
            known = {**extra, "tenant_id": entity.project_id, "tags": tags[entity.id]}
            documents.append({each.name: self._shown(call, unit, entity, each, known) for each in chosen})
        return documents

    def _shown(self, call: Call[Core], unit: Unit, entity: Standard, attribute: Attribute, extra: Values) -> Any:
        value = extra[attribute.name] if attribute.name in extra else getattr(entity, attribute.column)
        if isinstance(value, datetime):
            return moments.iso_z(value)
        if self.nested is not None and isinstance(value, list) and value and isinstance(value[0], SecurityGroupRule):
            return self.nested.render(call, unit, value, None)
        return value

    def _may_see(self, call: Call[Core], attribute: Attribute) -> bool:
        return not attribute.hidden or call.may(f"get_{self.resource.name}:{attribute.name}")

    def _complete(self, call: Call[Core]) -> None:
        with call.app.reading(call.ctxt) as unit:
            lacks = self.manager.lacks(unit)
        if lacks:
            call.app.run(call.ctxt, self.manager.complete)

    def _new(self, call: Call[Core], body: Values) -> Values:
        """The values of a new thing: what is given, over the defaults."""
        values = {
            each.column: copy.copy(each.default)
            for each in self.resource.attributes
            if each.post and each.schema is not None and each.default is not OPEN
        }
        values |= self._converted(body)
        values["project_id"] = body.get("project_id") or body.get("tenant_id") or call.ctxt.project_id or ""
        return values

    def _converted(self, body: Values) -> Values:
        values = {}
        for name, value in body.items():
            if name not in ("tenant_id", "project_id"):
                attribute = self.resource.by_name[name]
                values[attribute.column] = attribute.convert(value) if attribute.convert is not None else value
        return values

    def _authorize(self, call: Call[Core], verb: str, target: Values, body: Values, before: Any) -> None:
        """The verb's own rule, and that of each guarded attribute that is given something new."""
        call.authorize(f"{verb}_{self.resource.name}", target)
        for name, value in body.items():
            attribute = self.resource.by_name[name]
            if not attribute.guarded:
                continue
            plain = attribute.convert(value) if attribute.convert is not None else value
            old = getattr(before, attribute.column, attribute.default)
            if plain != old:
                call.authorize(f"{verb}_{self.resource.name}:{name}", target)
