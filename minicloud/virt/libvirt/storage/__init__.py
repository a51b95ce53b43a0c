# SPDX-License-Identifier: Apache-2.0
"""Disks of guests: a folder for each guest, a file for each disk."""
