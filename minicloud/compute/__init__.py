# SPDX-License-Identifier: Apache-2.0
"""``minicloud-compute``: makes, changes and removes the guests of one host.

It never opens a database: what it knows it asks of the conductor of its cell, and what it
does it reports there, step by step, each step a compare-and-swap.
"""
