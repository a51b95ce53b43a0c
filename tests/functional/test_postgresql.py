# SPDX-License-Identifier: Apache-2.0
"""Many processes in two cells, with RabbitMQ and PostgreSQL."""

from __future__ import annotations

from tests.functional import cloud
from tests.functional.scenarios import cells, isolation, kills, lifecycle, listing, load, malformed, metadata


class TestLifecycle(lifecycle.Lifecycle):
    SHAPE = cloud.PostgreSQL


class TestCells(cells.Cells):
    SHAPE = cloud.PostgreSQL


class TestIsolation(isolation.Isolation):
    SHAPE = cloud.PostgreSQL


class TestListing(listing.Listing):
    SHAPE = cloud.PostgreSQL


class TestLoad(load.Load):
    SHAPE = cloud.PostgreSQL


class TestMalformed(malformed.Malformed):
    SHAPE = cloud.PostgreSQL


class TestMetadata(metadata.Metadata):
    SHAPE = cloud.PostgreSQL


class TestKills(kills.KillsOfMany):
    SHAPE = cloud.PostgreSQL


def tearDownModule() -> None:
    cloud.PostgreSQL.end()
