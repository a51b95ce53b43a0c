# SPDX-License-Identifier: Apache-2.0
"""A tiny guest, made of Debian's packages in seconds: a kernel, busybox and dropbear.

It behaves like the images that clouds are tested with: it asks DHCP on every NIC, reads a config drive or the metadata
service, lets the owner's keys in by SSH, runs a script given as user data, has a console on the serial port, shuts down
when asked to, and sees NICs and disks that come later. Nothing here needs root, a loop device or a mount.
"""

from minicloud.guest_image.build import USER, Built, Report, build_disk, build_file_system, build_tar
from minicloud.guest_image.tools import CannotBuild

__all__ = ["USER", "Built", "CannotBuild", "Report", "build_disk", "build_file_system", "build_tar"]
