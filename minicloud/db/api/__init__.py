# SPDX-License-Identifier: Apache-2.0
"""The API database: what all cells share. One repository module per entity; each function takes a connection."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
