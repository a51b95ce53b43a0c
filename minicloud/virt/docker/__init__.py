# SPDX-License-Identifier: Apache-2.0
"""Servers that are Docker containers.

A server is a container of an image with ``container_format=docker``: the tar of ``docker save``,
or one of a root file system. It is unprivileged, has the CPU and memory of its flavor, and a veth
for each port, whose other end is in the bridge of the port's network. ``docker`` imported in here
is the SDK: imports are absolute, so that this package of the same name does not hide it.
"""

from minicloud.virt.docker.abilities import DockerDriver

__all__ = ["DockerDriver"]
