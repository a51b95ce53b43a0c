# SPDX-License-Identifier: Apache-2.0
"""The database of a cell, and of cell0. One repository module per entity; each function takes a connection."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
