# SPDX-License-Identifier: Apache-2.0
"""Images in the database: read, create, change, compare-and-swap of the status, delete."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.builtin.image import errors, records
from minicloud.builtin.image.db import models
from minicloud.builtin.image.records import ImageRecord

IMAGES: Final = models.Base.metadata.tables["images"]
PROPERTIES: Final = models.Base.metadata.tables["image_properties"]
TAGS: Final = models.Base.metadata.tables["image_tags"]
MEMBERS: Final = models.Base.metadata.tables["image_members"]

#: An image with its properties is one SELECT: a server's boot waits for it.
_ONE = (
    sa.select(IMAGES, PROPERTIES.c.name.label("property"), PROPERTIES.c.value)
    .select_from(IMAGES.outerjoin(PROPERTIES, PROPERTIES.c.image_id == IMAGES.c.id))
    .where(IMAGES.c.id == sa.bindparam("image_id"), IMAGES.c.status != records.PENDING_DELETE)
)
_TAGS_OF = sa.select(TAGS.c.value).where(TAGS.c.image_id == sa.bindparam("image_id")).order_by(TAGS.c.value)
_COLUMNS = tuple(column.name for column in IMAGES.c)


def get(conn: Connection, image_id: str, *, tags: bool = True) -> ImageRecord:
    """
    :param tags: False leaves them out and saves a SELECT
    :raises ImageNotFound: when there is none, or it is on its way out
    """
    rows = conn.execute(_ONE, {"image_id": image_id}).all()
    if not rows:
        raise exception.ImageNotFound(image_id=image_id)
    width = len(_COLUMNS)
    properties = {row[width]: row[width + 1] for row in rows if row[width] is not None}
    found = tuple(conn.scalars(_TAGS_OF, {"image_id": image_id})) if tags else ()
    return ImageRecord(**dict(zip(_COLUMNS, rows[0], strict=False)), properties=properties, tags=found)


def lock(conn: Connection, image_id: str) -> None:
    """Let no other transaction change this image before this one is over."""
    conn.execute(sa.select(IMAGES.c.id).where(IMAGES.c.id == image_id).with_for_update())


def records_of(conn: Connection, rows: Collection[sa.Row[Any]]) -> list[ImageRecord]:
    """Rows of the images table with their properties and tags, in two SELECTs for all."""
    ids = [row.id for row in rows]
    properties: dict[str, dict[str, str]] = {image_id: {} for image_id in ids}
    tags: dict[str, list[str]] = {image_id: [] for image_id in ids}
    if ids:
        for row in conn.execute(sa.select(PROPERTIES).where(PROPERTIES.c.image_id.in_(ids))):
            properties[row.image_id][row.name] = row.value
        for row in conn.execute(sa.select(TAGS).where(TAGS.c.image_id.in_(ids)).order_by(TAGS.c.value)):
            tags[row.image_id].append(row.value)
    return [ImageRecord(**row._mapping, properties=properties[row.id], tags=tuple(tags[row.id])) for row in rows]


def create(conn: Connection, image: ImageRecord) -> None:
    """
    :raises DuplicateImage: when the id is taken
    """
    try:
        conn.execute(IMAGES.insert().values({name: getattr(image, name) for name in _COLUMNS}))
    except db_exc.DBDuplicateEntry:
        raise errors.DuplicateImage(image_id=image.id) from None
    _put_properties(conn, image.id, image.properties)
    _put_tags(conn, image.id, image.tags)


def update(conn: Connection, before: ImageRecord, after: ImageRecord) -> None:
    """Write what differs between two readings of an image; never its status.

    :raises ImageNotFound: when it went meanwhile
    """
    names = (name for name in _COLUMNS if name not in ("id", "status"))
    changes = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
    _update(conn, before.id, changes, records.STATUSES)
    removed = [name for name in before.properties if name not in after.properties]
    changed = {name: value for name, value in after.properties.items() if before.properties.get(name) != value}
    remove_properties(conn, before.id, [*removed, *(name for name in changed if name in before.properties)])
    _put_properties(conn, before.id, changed)
    if after.tags != before.tags:
        conn.execute(TAGS.delete().where(TAGS.c.image_id == before.id))
        _put_tags(conn, before.id, after.tags)


def change_status(conn: Connection, image_id: str, want: str, have: Collection[str], **changes: Any) -> bool:
    """Move an image along the table of transitions; False when it is in none of ``have``.

    :param changes: columns to write with it, ``updated_at`` among them
    """
    for status in have:
        if want not in records.TRANSITIONS[status]:
            raise ValueError(f"an image does not go from {status} to {want}")
    return _update(conn, image_id, {"status": want, **changes}, have, must=False)


def _update(
    conn: Connection, image_id: str, changes: Mapping[str, Any], have: Collection[str], *, must: bool = True
) -> bool:
    where = (IMAGES.c.id == image_id, IMAGES.c.status.in_(have), IMAGES.c.status != records.PENDING_DELETE)
    done = bool(conn.execute(IMAGES.update().where(*where).values(**changes)).rowcount)
    if must and not done:
        raise exception.ImageNotFound(image_id=image_id)
    return done


def touch(conn: Connection, image_id: str, moment: Any) -> None:
    _update(conn, image_id, {"updated_at": moment}, records.STATUSES, must=False)


def _put_properties(conn: Connection, image_id: str, properties: Mapping[str, str]) -> None:
    if properties:
        rows = [{"image_id": image_id, "name": name, "value": value} for name, value in properties.items()]
        conn.execute(PROPERTIES.insert(), rows)


def set_properties(conn: Connection, image_id: str, properties: Mapping[str, str]) -> None:
    """Add or replace a few properties."""
    remove_properties(conn, image_id, properties.keys())
    _put_properties(conn, image_id, properties)


def remove_properties(conn: Connection, image_id: str, names: Collection[str]) -> None:
    if names:
        conn.execute(PROPERTIES.delete().where(PROPERTIES.c.image_id == image_id, PROPERTIES.c.name.in_(list(names))))


def _put_tags(conn: Connection, image_id: str, tags: Collection[str]) -> None:
    if tags:
        conn.execute(TAGS.insert(), [{"image_id": image_id, "value": tag} for tag in tags])


def add_tag(conn: Connection, image_id: str, tag: str) -> None:
    _put_tags(conn, image_id, (tag,))


def remove_tag(conn: Connection, image_id: str, tag: str) -> bool:
    """Whether there was such a tag."""
    return bool(conn.execute(TAGS.delete().where(TAGS.c.image_id == image_id, TAGS.c.value == tag)).rowcount)


def delete(conn: Connection, image_id: str) -> None:
    """Remove the row and all that hangs on it; after its data is gone."""
    for table in (PROPERTIES, TAGS, MEMBERS):
        conn.execute(table.delete().where(table.c.image_id == image_id))
    conn.execute(IMAGES.delete().where(IMAGES.c.id == image_id))


def in_status(conn: Connection, *statuses: str) -> list[tuple[str, str]]:
    """(id, status) of the images in these statuses, those on their way out too."""
    found = conn.execute(sa.select(IMAGES.c.id, IMAGES.c.status).where(IMAGES.c.status.in_(statuses)))
    return [(row.id, row.status) for row in found]
