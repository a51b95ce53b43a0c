# SPDX-License-Identifier: Apache-2.0
"""All paths of the image API, by module."""

from __future__ import annotations

from minicloud.builtin.image.api import data, discovery, images, members, schemas
from minicloud.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *discovery.OPERATIONS,
    *images.OPERATIONS,
    *data.OPERATIONS,
    *members.OPERATIONS,
    *schemas.OPERATIONS,
)
