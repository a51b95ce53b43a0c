# SPDX-License-Identifier: Apache-2.0
"""What flavor and image ask for beyond the plain sizes, read with its type checked.

A flavor says ``hw:cpu_policy`` what an image says ``hw_cpu_policy``. Where both speak, the flavor
is the administrator's word and comes first. Keys that mean nothing here are left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from oslo_utils import strutils

from minicloud.objects import Flavor


class Impossible(Exception):
    """No host could do what is asked."""


class Lacking(Exception):
    """This host cannot do what is asked; another one may."""


#: What other drivers may know and this one does not: asked for, it would silently be missing.
_REFUSED: Mapping[str, str] = {
    "hw:numa_nodes": "NUMA nodes",
    "hw:tpm_version": "trusted platform modules",
    "hw:mem_encryption": "encrypted memory",
    "hw:cpu_realtime": "realtime CPUs",
    "hw:emulator_threads_policy": "a policy for the emulator's threads",
    "hw:cpu_dedicated_mask": "a mix of shared and dedicated CPUs",
    "hw:maxphysaddr_mode": "a choice of address sizes",
    "hw:locked_memory": "locked memory",
    "pci_passthrough:alias": "devices of the host",
}

#: Values of the above that ask for nothing.
_NOTHING = ("0", "no", "false", "none")


class Wishes:
    """Of one guest."""

    def __init__(self, flavor: Flavor, properties: Mapping[str, Any]) -> None:
        """
        :param properties: of the image
        """
        self._specs = flavor.extra_specs
        self._properties = properties

    def refuse_unknown(self) -> None:
        """:raises Impossible: when something is asked for that this driver does not do"""
        for key, what in _REFUSED.items():
            value = self._find(key, None)
            if value is not None and value.lower() not in _NOTHING:
                raise Impossible(f"{key}={value}: the libvirt driver has no {what}")

    def text(self, key: str, prop: str | None = None) -> str | None:
        """
        :param key: as flavors say it, such as ``hw:cpu_policy``; one with ``_`` only is of images alone
        :param prop: as images say it; None: the same with underscores
        """
        return self._find(key, prop)

    def choice(self, key: str, allowed: Collection[str], prop: str | None = None) -> str | None:
        """:raises Impossible: when it is none of those"""
        value = self._find(key, prop)
        if value is not None and value not in allowed:
            raise Impossible(f"{key}={value} is not one of {', '.join(sorted(allowed))}")
        return value

    def integer(self, key: str, prop: str | None = None, *, least: int = 0, most: int = 2**63 - 1) -> int | None:
        """:raises Impossible: when it is no number between those"""
        value = self._find(key, prop)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 19 or not least <= int(value) <= most:
            raise Impossible(f"{key}={value} is not a number from {least} to {most}")
        return int(value)

    def boolean(self, key: str, prop: str | None = None, *, default: bool = False) -> bool:
        """:raises Impossible:"""
        value = self._find(key, prop)
        if value is None:
            return default
        try:
            return bool(strutils.bool_from_string(value, strict=True))
        except ValueError:
            raise Impossible(f"{key}={value} is neither true nor false") from None

    def _find(self, key: str, prop: str | None) -> str | None:
        for values, name in ((self._specs, key), (self._properties, prop or key.replace(":", "_"))):
            value = values.get(name)
            if value is not None and value != "":
                return str(value)
        return None
