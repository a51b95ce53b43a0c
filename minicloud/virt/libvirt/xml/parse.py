# SPDX-License-Identifier: Apache-2.0
"""Reading the XML that libvirt gives."""

from __future__ import annotations

from xml.etree import ElementTree  # nosec B405  # what is parsed comes from libvirt's daemon


def parse(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # nosec B314  # see above


def text_at(node: ElementTree.Element, path: str, default: str = "") -> str:
    """Text or attribute at a path, such as ``source/@file``."""
    where, _, last = path.rpartition("/")
    if last.startswith("@"):
        found = node.find(where or ".")
        return default if found is None else found.get(last[1:], default)
    found = node.find(path)
    return default if found is None else (found.text or default)
