# SPDX-License-Identifier: Apache-2.0
"""Tests; native threads are chosen here, before any test module imports oslo libraries."""

from minicloud.cmd import backend  # noqa: F401  # the import is what it is for
