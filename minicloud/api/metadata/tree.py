# SPDX-License-Identifier: Apache-2.0
"""From a path to what is there: both trees, and the lists of what is in their folders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from minicloud import exception
from minicloud.guest_data import Facts, ec2, openstack

_TEXT = "text/plain"
_JSON = "application/json"
#: User data and files may be anything.
_BYTES = "application/octet-stream"


class Answer(NamedTuple):
    content_type: str
    body: bytes


def segments(path: str) -> tuple[str, ...]:
    """The names in a path; slashes in front, behind and twice do not count."""
    return tuple(name for name in path.split("/") if name)


def password_version(path: tuple[str, ...]) -> bool:
    """Whether a path is that of the password that guests tell."""
    if len(path) != 3 or path[0] != "openstack" or path[2] != openstack.PASSWORD:
        return False
    version = openstack.version_of(path[1])
    return version is not None and version >= openstack.PASSWORD_SINCE


def find(facts: Facts, path: tuple[str, ...]) -> Answer:
    """
    :raises NotFound:
    """
    if not path:
        return _listing((*ec2.VERSIONS, ec2.LATEST))
    found = _openstack(facts, path[1:]) if path[0] == "openstack" else _ec2(facts, path[0], path[1:])
    if found is None:
        raise exception.NotFound("Nothing is there.")
    return found


def _openstack(facts: Facts, path: tuple[str, ...]) -> Answer | None:
    if not path:
        return _listing((*openstack.VERSIONS, openstack.LATEST))
    if path[0] == "content":
        data = openstack.content(facts).get(path[1]) if len(path) == 2 else None
        return None if data is None else Answer(_BYTES, data)
    version = openstack.version_of(path[0])
    if version is None or len(path) > 2:
        return None
    if len(path) == 1:
        return _listing(_names(facts, version))
    for row in openstack.documents(version):
        if row.name == path[1] and (data := row.make(facts, version)) is not None:
            return Answer(_JSON if row.name.endswith(".json") else _BYTES, data)
    return None


def _names(facts: Facts, version: str) -> Iterable[str]:
    yield from (row.name for row in openstack.documents(version) if row.make(facts, version) is not None)
    if version >= openstack.PASSWORD_SINCE:
        yield openstack.PASSWORD


def _ec2(facts: Facts, name: str, path: tuple[str, ...]) -> Answer | None:
    version = ec2.version_of(name)
    if version is None:
        return None
    if not path:
        return _listing(("meta-data/", *(("user-data",) if facts.user_data is not None else ())))
    if path == ("user-data",):
        return None if facts.user_data is None else Answer(_BYTES, facts.user_data)
    if path[0] != "meta-data":
        return None
    node = ec2.find(ec2.meta_data(facts, version), path[1:])
    return None if node is None else Answer(_TEXT, ec2.render(node).encode())


def _listing(names: Iterable[str]) -> Answer:
    return Answer(_TEXT, "\n".join(names).encode())
