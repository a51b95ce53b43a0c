# SPDX-License-Identifier: Apache-2.0
"""From a server's record to the facts that its guest is told."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg

from minicloud.guest_data import vendor
from minicloud.guest_data.facts import Facts
from minicloud.objects import Instance, Vif

#: Bytes for the guest's random numbers, as Nova gives.
_SEED = 512


def gather(
    conf: cfg.ConfigOpts,
    instance: Instance,
    vifs: Sequence[Vif],
    *,
    roles: Sequence[str] = (),
    admin_password: str | None = None,
) -> Facts:
    """
    :param roles: of the user who asked for the server, as far as they are known
    """
    static = vendor.static(conf)
    asked = vendor.dynamic(conf, _question(instance, roles))
    return Facts(
        instance,
        vifs=tuple(vifs),
        availability_zone=instance.availability_zone or conf.default_availability_zone,
        domain=conf.metadata.dhcp_domain.strip("."),
        random_seed=secrets.token_bytes(_SEED),
        admin_password=admin_password,
        vendor_data=static,
        vendor_data2={vendor.STATIC: static, **asked},
    )


def _question(instance: Instance, roles: Sequence[str]) -> dict[str, Any]:
    return {
        "project-id": instance.project_id,
        "instance-id": instance.uuid,
        "image-id": instance.image_id,
        "user-data": instance.user_data,
        "hostname": instance.hostname,
        "metadata": instance.metadata,
        "boot-roles": ",".join(roles),
    }
