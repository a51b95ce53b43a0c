# SPDX-License-Identifier: Apache-2.0
"""Bring the databases up to date and fill a new cloud, so that the first command can boot a server."""

from __future__ import annotations

from collections.abc import Mapping

from minicloud.builtin.identity import bootstrap as identity_bootstrap
from minicloud.builtin.image import bootstrap as image_bootstrap
from minicloud.builtin.network import bootstrap as network_bootstrap
from minicloud.cmd import http
from minicloud.cmd.parts import Parts
from minicloud.cmd.setup import databases
from minicloud.cmd.setup.cells import cell_transport_url, map_cell, map_cell0
from minicloud.db.api import flavors
from minicloud.db.session import Database
from minicloud.objects import CellMapping, Flavor
from minicloud.web.moments import now

__all__ = ["add_cell", "fill", "map_cell", "prepare"]

#: (id, name, MiB, GiB, vCPUs), with the ids that DevStack gives them.
FLAVORS = (
    ("42", "m1.nano", 128, 1, 1),
    ("84", "m1.micro", 192, 1, 1),
    ("1", "m1.tiny", 512, 1, 1),
    ("2", "m1.small", 2048, 20, 1),
    ("3", "m1.medium", 4096, 40, 2),
    ("4", "m1.large", 8192, 80, 4),
)


def prepare(parts: Parts, passwords: Mapping[str, str]) -> None:
    """Everything of the first start; later starts find it done.

    :param passwords: of the users that identity makes, by name
    """
    databases.sync(parts.api_db, "api")
    map_cell0(parts.conf, parts.api_db)
    add_cell(parts)
    fill(parts, passwords)


def add_cell(parts: Parts) -> CellMapping:
    """Bring the database of the configuration's cell up to date and make the cell known; harmless when it is.

    The cell is known by ``[cells] name``; its addresses follow the configuration.
    """
    databases.sync(parts.cell_db, "cell")
    return map_cell(
        parts.api_db,
        name=parts.conf.cells.name,
        transport_url=cell_transport_url(parts.conf),
        database_url=databases.address(parts.cell_db),
    )


def fill(parts: Parts, passwords: Mapping[str, str]) -> None:
    """Make what is missing of users, images, networks and flavors.

    The built-in services bring their own databases up to date.
    """
    made = identity_bootstrap.bootstrap(
        parts.conf,
        parts.identity_db,
        public_url=http.public_url(parts.conf),
        passwords=passwords,
        identity=parts.identity,
    )
    projects = made.projects
    image_bootstrap.bootstrap(parts.conf, parts.images.db, owner=projects["admin"], service=parts.images)
    network_bootstrap.bootstrap(
        parts.conf, parts.network_db, admin_project=projects["admin"], demo_project=projects["demo"]
    )
    _flavors(parts.api_db)


def _flavors(db: Database) -> None:
    with db.writer() as conn:
        if flavors.find_all(conn):
            return
        for flavorid, name, memory, disk, vcpus in FLAVORS:
            flavors.create(
                conn, Flavor(flavorid=flavorid, name=name, memory_mb=memory, root_gb=disk, vcpus=vcpus), now()
            )
