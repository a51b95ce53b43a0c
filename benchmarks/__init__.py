# SPDX-License-Identifier: Apache-2.0
"""What minicloud costs, measured."""

from minicloud.cmd import backend  # noqa: F401  # native threads before any oslo import
