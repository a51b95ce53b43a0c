# SPDX-License-Identifier: Apache-2.0
"""Skipped where libvirt-python is not installed, which needs libvirt's headers to be built."""

from tests.fixtures import libvirt

libvirt.need_library()
