# SPDX-License-Identifier: Apache-2.0
"""The whole cloud in one process, with SQLite."""

from __future__ import annotations

from tests.functional import cloud
from tests.functional.scenarios import consoles, isolation, kills, lifecycle, listing, load, malformed, metadata, moves


class TestLifecycle(lifecycle.Lifecycle):
    SHAPE = cloud.OneProcess


class TestConsoles(consoles.Consoles):
    SHAPE = cloud.OneProcess


class TestIsolation(isolation.Isolation):
    SHAPE = cloud.OneProcess


class TestListing(listing.Listing):
    SHAPE = cloud.OneProcess


class TestLoad(load.Load):
    SHAPE = cloud.OneProcess


class TestMalformed(malformed.Malformed):
    SHAPE = cloud.OneProcess


class TestMoves(moves.Moves):
    SHAPE = cloud.OneProcess


class TestKills(kills.KillsOfOneProcess):
    SHAPE = cloud.OneProcess


class TestMetadata(metadata.Metadata):
    SHAPE = cloud.OneProcess
