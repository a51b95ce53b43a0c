# SPDX-License-Identifier: Apache-2.0
"""Many processes in two cells, with RabbitMQ and MariaDB."""

from __future__ import annotations

from tests.functional import cloud
from tests.functional.scenarios import cells, consoles, isolation, kills, lifecycle, listing, load, malformed, metadata


class TestLifecycle(lifecycle.Lifecycle):
    SHAPE = cloud.MariaDB


class TestCells(cells.Cells):
    SHAPE = cloud.MariaDB


class TestConsoles(consoles.Consoles):
    SHAPE = cloud.MariaDB


class TestIsolation(isolation.Isolation):
    SHAPE = cloud.MariaDB


class TestListing(listing.Listing):
    SHAPE = cloud.MariaDB


class TestLoad(load.Load):
    SHAPE = cloud.MariaDB


class TestMalformed(malformed.Malformed):
    SHAPE = cloud.MariaDB


class TestMetadata(metadata.Metadata):
    SHAPE = cloud.MariaDB


class TestKills(kills.KillsOfMany):
    SHAPE = cloud.MariaDB


def tearDownModule() -> None:
    cloud.MariaDB.end()
