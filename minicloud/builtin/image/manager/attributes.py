# SPDX-License-Identifier: Apache-2.0
"""Setting and removing the attributes of an image, alike for POST and PATCH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg

from minicloud import exception
from minicloud.builtin.image import errors, records, schema
from minicloud.builtin.image.records import Change, ImageRecord

#: Bytes of a property's value; what a TEXT column takes on MariaDB.
_LONGEST_VALUE = 65535
_LONGEST_NAME = 255
#: What describes the data cannot change once there is data.
_FIXED_BY_DATA = ("disk_format", "container_format")


def from_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a POST as fields of a record.

    :raises ReadOnlyAttribute, ReservedAttribute: 403, naming the attribute
    """
    fields: dict[str, Any] = {}
    properties: dict[str, str] = {}
    for name, value in body.items():
        _check_name(name)
        if name == "tags":
            fields["tags"] = tuple(sorted(set(value)))
        elif name in schema.WRITABLE:
            fields[name] = value.lower() if name == "id" else value
        elif value is not None:  # a kernel_id of null is none
            properties[name] = _property(name, value)
    return {**fields, "properties": properties}


def apply(image: ImageRecord, changes: Sequence[Change]) -> ImageRecord:
    """The image after a PATCH; nothing is changed unless all steps can be.

    :raises ReadOnlyAttribute, ReservedAttribute: 403
    :raises PropertyConflict: replacing or removing a property that is not there
    """
    for change in changes:
        _check_name(change.name, patch=True)
        if change.name in schema.WRITABLE:
            image = _apply_attribute(image, change)
        else:
            image = _apply_property(image, change)
    return image


def check_quotas(conf: cfg.ConfigOpts, image: ImageRecord) -> None:
    """
    :raises TooMany: 413
    """
    for what, have, limit in (
        ("properties", len(image.properties), conf.image.image_property_quota),
        ("tags", len(image.tags), conf.image.image_tag_quota),
    ):
        if have > limit:
            raise errors.TooMany(what=what, have=have, limit=limit)


def _check_name(name: str, *, patch: bool = False) -> None:
    if name in schema.READ_ONLY or (patch and name == "id"):
        raise errors.ReadOnlyAttribute(name=name)
    if name in schema.RESERVED or name.startswith(schema.RESERVED_PREFIX):
        raise errors.ReservedAttribute(name=name)
    if not name or len(name) > _LONGEST_NAME:
        raise exception.BadRequest(f"The name of a property must have 1 to {_LONGEST_NAME} characters.")


def _property(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise exception.BadRequest(f"Invalid input for field/attribute {name}: the value must be a string.")
    if len(value.encode()) > _LONGEST_VALUE:
        raise exception.BadRequest(
            f"Invalid input for field/attribute {name}: the value has more than {_LONGEST_VALUE} bytes."
        )
    return value


def _apply_attribute(image: ImageRecord, change: Change) -> ImageRecord:
    name, value = change.name, change.value
    if change.op == "remove":
        raise exception.Forbidden(f"Property {name} may not be removed.")
    schema.ATTRIBUTES.validate({name: value})
    if name == "tags":
        value = tuple(sorted(set(value)))
    if name in _FIXED_BY_DATA and image.status != records.QUEUED and value != getattr(image, name):
        raise exception.Forbidden(f"Attribute {name} can be only replaced for a queued image.")
    return image.replace(**{name: value})


def _apply_property(image: ImageRecord, change: Change) -> ImageRecord:
    properties = dict(image.properties)
    if change.op != "add" and change.name not in properties:
        raise errors.PropertyConflict(name=change.name)
    if change.op == "remove":
        del properties[change.name]
    else:
        properties[change.name] = _property(change.name, change.value)
    return image.replace(properties=properties)
