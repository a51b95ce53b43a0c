# SPDX-License-Identifier: Apache-2.0
"""Consoles: where screen and serial line listen, and what was written to the latter."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring  # nosec B405  # see xml.parse

from minicloud.virt.libvirt.domain.console import LOG_NAME
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host.reservations import Reservations, can_listen
from minicloud.virt.libvirt.xml.parse import text_at


def ports(options: Any) -> Reservations:
    """TCP ports for serial lines."""
    first, last = (int(word) for word in options.serial_ports.split(":"))
    return Reservations(range(first, min(last, 65535) + 1), can_listen(options.serial_listen))


def ports_of(definition: Element) -> list[int]:
    """Those that a guest has."""
    found = [text_at(serial, "source/@service") for serial in definition.findall("devices/serial[@type='tcp']")]
    return [int(port) for port in found if port.isdigit()]


def moved(guest: Guest, reservations: Reservations) -> str | None:
    """The definition of a guest that is off, with other ports for those that somebody has taken; None: all are free."""
    definition = guest.definition()
    before = ports_of(definition)
    if all(map(reservations.is_free, before)):
        return None
    reservations.note(guest.uuid, [port for port in before if reservations.is_free(port)])
    after = reservations.take(guest.uuid, len(before))
    for old, new in zip(before, after, strict=False):
        # libvirt repeats the first serial line as the console.
        for source in definition.findall(f"devices/*/source[@service='{old}']"):
            source.set("service", str(new))
    return tostring(definition, encoding="unicode")


def screen_port(definition: Element) -> int | None:
    """Of a guest that runs."""
    port = text_at(definition, "devices/graphics[@type='vnc']/@port")
    return int(port) if port.isdigit() else None


def read_log(folder: Path, limit: int) -> str:
    """The end of what a guest wrote, and what is left of it from before the log was rotated.

    :param limit: bytes
    """
    data = b""
    for path in (folder / LOG_NAME, folder / f"{LOG_NAME}.0"):
        missing = limit - len(data)
        if missing > 0:
            data = _tail(path, missing) + data
    return data.decode(errors="replace")


def _tail(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - limit))
            return file.read(limit)
    except FileNotFoundError:
        return b""
