# SPDX-License-Identifier: Apache-2.0
"""All checks, in the order in which they are made and mended: what uses something comes before what is used."""

from __future__ import annotations

from minicloud.cmd.doctor.check import Check
from minicloud.cmd.doctor.checks import (
    claims_without_server,
    devices_without_network,
    folders_without_server,
    guests_without_server,
    ports_without_server,
    servers_without_claim,
    servers_without_guest,
    unfinished_images,
)

#: A check -> why it stands where it does.
_ORDER: tuple[tuple[Check, str], ...] = (
    (guests_without_server.CHECK, "it runs, and uses all that is looked at below"),
    (servers_without_guest.CHECK, "nobody should build on it any more"),
    (folders_without_server.CHECK, "no guest has its disks there now"),
    (ports_without_server.CHECK, "no guest is plugged in now"),
    (claims_without_server.CHECK, "no guest uses what was claimed now"),
    (servers_without_claim.CHECK, "what is free is known, and the truth may be more than there is"),
    (unfinished_images.CHECK, "whoever would have used it is gone"),
    (devices_without_network.CHECK, "last, when no guest's device is in a bridge and no port in the books"),
)

CHECKS = tuple(check for check, _reason in _ORDER)
