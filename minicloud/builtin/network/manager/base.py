# SPDX-License-Identifier: Apache-2.0
"""What a resource's manager answers; the API's generic handlers work through it."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import quotas
from minicloud.builtin.network.db.repository import Repository
from minicloud.builtin.network.entities import Standard
from minicloud.builtin.network.manager.core import Unit

T = TypeVar("T", bound=Standard)

#: New values and changes, by field of the entity.
Values = dict[str, Any]


class Manager(Generic[T]):
    """The rules of one resource. All methods work within the caller's transaction."""

    #: The resource's name, also in quotas.
    RESOURCE: ClassVar[str]
    #: Filters that are no columns, handled by :meth:`clauses`.
    FILTERS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, repository: Repository[T]) -> None:
        self.repository = repository

    def target(self, unit: Unit, values: Values) -> dict[str, Any]:
        """Whose the new thing will be, for policies."""
        return {"project_id": values["project_id"]}

    def owner(self, unit: Unit, entity: T) -> dict[str, Any]:
        """Whose a thing is, for policies."""
        return {"project_id": entity.project_id}

    def lacks(self, unit: Unit) -> bool:
        """Whether :meth:`complete` must run before what the caller sees is complete."""
        return False

    def complete(self, unit: Unit) -> None:
        """Make what every project has without asking."""

    def clauses(self, unit: Unit, filters: dict[str, list[str]]) -> list[Any]:
        """The conditions that filters of :attr:`FILTERS` mean."""
        return []

    def extras(self, unit: Unit, entities: list[T]) -> list[dict[str, Any]]:
        """For each thing the attributes that are not its columns."""
        return [{} for _ in entities]

    def create(self, unit: Unit, values: Values) -> T:
        charge(unit, values["project_id"], self)
        return self.repository.insert(unit.conn, **values)

    def update(self, unit: Unit, entity: T, changes: Values) -> T:
        return self.repository.update(unit.conn, entity.id, **changes)

    def delete(self, unit: Unit, entity: T) -> None:
        self.repository.delete(unit.conn, entity.id)


def limit_of(unit: Unit, project_id: str, resource: str) -> int:
    """How many a project may have; -1 is any number."""
    own = quotas.limits(unit.conn, project_id)
    return int(own.get(resource, unit.core.conf.network[f"quota_{resource}"]))


def charge(unit: Unit, project_id: str, manager: Manager[Any], count: int = 1) -> None:
    """
    :raises OverQuota: when a project may not have so many more
    """
    limit = limit_of(unit, project_id, manager.RESOURCE)
    if limit >= 0 and manager.repository.count(unit.conn, project_id) + count > limit:
        raise exception.OverQuota(overs=[manager.RESOURCE])
