# SPDX-License-Identifier: Apache-2.0
"""What a guest is told of itself, in the trees that cloud-init and its like know.

The config drive (made beside the hypervisor) and the metadata service (a front end) show the same trees, so they are
made here, below both, of nothing but :class:`Facts`.
"""

from minicloud.guest_data.drive import config_drive
from minicloud.guest_data.facts import Facts
from minicloud.guest_data.gather import gather

__all__ = ["Facts", "config_drive", "gather"]
