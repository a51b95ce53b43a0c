# SPDX-License-Identifier: Apache-2.0
"""Memory, and the pages it is made of (``hw:mem_page_size``)."""

from __future__ import annotations

import re

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.wishes import Impossible, Lacking
from minicloud.virt.libvirt.xml.domain import Domain, Page

#: KiB
_SMALL = 4
_UNITS = {"": 1, "KB": 1, "KIB": 1, "MB": 1024, "MIB": 1024, "GB": 1024**2, "GIB": 1024**2}


def build(plan: Plan, domain: Domain) -> None:
    size = _page_size(plan)
    if size is not None:
        if domain.memory % size:
            raise Impossible(f"hw:mem_page_size: {domain.memory} KiB of memory is no multiple of {size} KiB")
        domain.huge_pages = [Page(size=size)]


def _page_size(plan: Plan) -> int | None:
    """In KiB; None: the usual, small ones."""
    wish = plan.wishes.text("hw:mem_page_size")
    there = plan.facts.huge_pages
    if wish is None or wish == "small":
        return None
    if wish in ("any", "large"):
        fits = [size for size in there if plan.instance.flavor.memory_mb * 1024 % size == 0]
        if not fits and wish == "large":
            raise Lacking("hw:mem_page_size=large: the host has no huge pages that the memory is a multiple of")
        return max(fits, default=None)
    size = _kib(wish)
    if size != _SMALL and size not in there:
        raise Lacking(f"hw:mem_page_size={wish}: the host has no huge pages of that size")
    return None if size == _SMALL else size


def _kib(wish: str) -> int:
    found = re.fullmatch(r"(\d{1,9})([A-Za-z]*)", wish, re.ASCII)
    if found is None or found[2].upper() not in _UNITS:
        raise Impossible(f"hw:mem_page_size={wish} is neither small, large, any nor a size such as 2MB")
    return int(found[1]) * _UNITS[found[2].upper()]
