# SPDX-License-Identifier: Apache-2.0
"""``minicloud-conductor``: keeps a cell's database for its computes, and ends what is overdue."""
