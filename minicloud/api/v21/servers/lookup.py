# SPDX-License-Identifier: Apache-2.0
"""Finding a server: it may be only a build request, or in a cell, or in a cell that is down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.cells import Cell
from minicloud.db.api import build_requests, mappings
from minicloud.db.cell import instances
from minicloud.objects import Flavor, Instance


@dataclass(frozen=True, slots=True)
class Found:
    """A server and where it is; ``cell`` of None: it is only a build request."""

    instance: Instance
    cell: Cell | None = None
    #: The cell did not answer, and ``instance`` is what the API database knows.
    down: bool = False

    @property
    def target(self) -> dict[str, str]:
        """Whose it is, for policies."""
        return {"project_id": self.instance.project_id, "user_id": self.instance.user_id}

    @property
    def home(self) -> Cell:
        """
        :raises InstanceInvalidState: while it has no cell
        """
        if self.cell is None:
            raise exception.Conflict(f"Instance {self.instance.uuid} is not ready")
        return self.cell


def find(call: ApiCall, server_id: str, *, partial: bool = False) -> Found:
    """A server that the caller may see.

    :param partial: answer with what is known although its cell is down
    :raises InstanceNotFound: also for what is deleted, and for other projects' servers
    :raises CellTimeout: when its cell does not answer
    """
    if not is_uuid(server_id):
        raise exception.InstanceNotFound(instance_id=server_id)
    # The scheduler may take a build request to its cell between our two looks.
    for _ in range(2):
        with call.app.api_db.reader() as conn:
            mapping = mappings.get(conn, server_id)
            if not call.ctxt.may_see(mapping.project_id):
                raise exception.InstanceNotFound(instance_id=server_id)
            request = None if mapping.cell_uuid else build_requests.get(conn, server_id)
        if mapping.cell_uuid is not None:
            return _in_cell(call, server_id, mapping.cell_uuid, partial)
        if request is not None:
            return Found(request.instance)
    raise exception.InstanceNotFound(instance_id=server_id)


def _in_cell(call: ApiCall, server_id: str, cell_uuid: str, partial: bool) -> Found:
    cell = call.app.cells.get(cell_uuid)

    def read(cell: Cell) -> Instance:
        with cell.db.reader() as conn:
            return instances.get(conn, server_id)

    answer = call.app.cells.scatter(read, [cell])
    if not answer.down:
        return Found(answer.answers[cell.uuid], cell)
    if not partial:
        raise exception.CellTimeout(cell=cell.name)
    return Found(_remembered(call, server_id), cell, down=True)


def _remembered(call: ApiCall, server_id: str) -> Instance:
    """What the API database knows of a server in a cell that is down."""
    with call.app.api_db.reader() as conn:
        mapping = mappings.get(conn, server_id)
        spec = build_requests.spec(conn, server_id)
    if spec is None:
        raise exception.InstanceNotFound(instance_id=server_id)
    return remembered(server_id, mapping).replace(
        flavor=spec.flavor, image_id=spec.image_id, availability_zone=spec.availability_zone
    )


def remembered(server_id: str, mapping: mappings.Mapping) -> Instance:
    """A server of which only the mapping is known."""
    return Instance(
        uuid=server_id,
        project_id=mapping.project_id,
        user_id=mapping.user_id,
        display_name="",
        vm_state="",
        flavor=Flavor(flavorid="", name="", vcpus=0, memory_mb=0, root_gb=0),
        created_at=mapping.created_at,
    )


def find_deleted(call: ApiCall, server_id: str) -> Found:
    """Like :func:`find`, but a server that is deleted is found too, while its cell keeps it."""
    try:
        return find(call, server_id)
    except exception.InstanceNotFound:
        if not is_uuid(server_id):
            raise

    def read(cell: Cell) -> Instance | None:
        with cell.db.reader() as conn:
            try:
                return instances.get(conn, server_id, deleted=True)
            except exception.InstanceNotFound:
                return None

    for uuid, instance in call.app.cells.scatter(read).answers.items():
        if instance is not None and call.ctxt.may_see(instance.project_id):
            return Found(instance, call.app.cells.get(uuid))
    raise exception.InstanceNotFound(instance_id=server_id)


def check_lock(call: ApiCall, instance: Instance) -> None:
    """
    :raises InstanceIsLocked: 409, for everybody but administrators
    """
    if instance.locked_by is not None and not call.ctxt.has_admin_role:
        raise exception.InstanceIsLocked(instance_uuid=instance.uuid)


def change(
    call: ApiCall,
    found: Found,
    how: Callable[[Instance], Instance],
    store: Callable[[Cell, Instance], Instance],
) -> Instance:
    """Change a server where it is: in its build request, or else in its cell.

    :param how: the changed copy, for a build request
    :param store: writes the change to a cell
    """
    if found.cell is None:
        with call.app.api_db.writer() as conn:
            request = build_requests.get(conn, found.instance.uuid)
            if request is not None:
                changed = request.replace(instance=how(request.instance))
                if build_requests.replace(conn, changed):
                    return changed.instance
        found = find(call, found.instance.uuid)
    return store(found.home, found.instance)


def is_uuid(text: str) -> bool:
    """Whether an id can be a server's; other ids are never looked for."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
