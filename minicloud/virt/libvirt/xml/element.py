# SPDX-License-Identifier: Apache-2.0
"""From a dataclass to an XML element: each field says at which path its value stands.

A path is relative to the element: ``@type`` is an attribute, ``source/@file`` one of a child,
``name`` the text of a child, ``.`` the element's own text, ``""`` the place for child elements.

======================  ===========================================================
Value                   becomes
======================  ===========================================================
None                    nothing
True, False             ``yes`` and ``no`` of an attribute; an empty child, or none
Element                 a child of the path
sequence of Elements    children of the path, in order
anything else           its text
======================  ===========================================================
"""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET  # nosec B405  # only written here
from typing import Any, ClassVar


def at(path: str, default: Any = None) -> Any:
    """A field of an element class."""
    if isinstance(default, list):
        return dataclasses.field(default_factory=list, metadata={"path": path})
    return dataclasses.field(default=default, metadata={"path": path})


class Element:
    """Base of all: subclasses are dataclasses whose fields are made with :func:`at`."""

    TAG: ClassVar[str]

    def node(self) -> ET.Element:
        top = ET.Element(self.TAG)
        for field in dataclasses.fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            _put(top, field.metadata["path"], getattr(self, field.name))
        return top

    def __str__(self) -> str:
        node = self.node()
        ET.indent(node)
        return ET.tostring(node, encoding="unicode") + "\n"


def _put(top: ET.Element, path: str, value: Any) -> None:
    if value is None or value == [] or value == ():
        return
    where, _, attribute = path.partition("@")
    if attribute:
        _child(top, where.rstrip("/")).set(attribute, _word(value))
    elif isinstance(value, Element):
        _child(top, path).append(value.node())
    elif isinstance(value, list | tuple):
        _child(top, path).extend([item.node() for item in value])
    elif path == ".":
        top.text = str(value)
    elif value is True:
        _child(top, path)
    elif value is not False:
        _child(top, path).text = str(value)


def _child(top: ET.Element, path: str) -> ET.Element:
    """The child at a path, made where it is missing."""
    for tag in filter(None, path.split("/")):
        found = top.find(tag)
        top = ET.SubElement(top, tag) if found is None else found
    return top


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
