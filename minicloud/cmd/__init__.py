# SPDX-License-Identifier: Apache-2.0
"""One short main per program; importing any of them chooses native threads first."""

from minicloud.cmd import backend  # noqa: F401  # the import is what it is for
