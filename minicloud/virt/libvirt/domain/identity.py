# SPDX-License-Identifier: Apache-2.0
"""Who a guest is: our mark on it, and what its firmware says, by which cloud-init knows where it runs."""

from __future__ import annotations

import re

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.xml.domain import Domain, Entry, Mark

#: What XML cannot hold; names of servers come from users.
_UNPRINTABLE = re.compile("[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def build(plan: Plan, domain: Domain) -> None:
    instance = plan.instance
    domain.mark = Mark(
        host=plan.host,
        cloud=plan.cloud,
        project=instance.project_id,
        user=instance.user_id,
        server=_UNPRINTABLE.sub("?", instance.display_name),
        flavor=_UNPRINTABLE.sub("?", instance.flavor.name),
    )
    if not plan.facts.is_machine_emulator:
        return
    domain.os_smbios = "sysinfo"
    domain.sysinfo_type = "smbios"
    domain.system = [
        Entry(name="manufacturer", value="minicloud"),
        # cloud-init looks for an OpenStack data source when it reads this name.
        Entry(name="product", value="OpenStack Compute"),
        Entry(name="serial", value=instance.uuid),
        Entry(name="uuid", value=instance.uuid),
        Entry(name="family", value="Virtual Machine"),
    ]
