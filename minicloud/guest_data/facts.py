# SPDX-License-Identifier: Apache-2.0
"""What the trees are made of."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from minicloud.objects import FixedIp, Instance, Vif


@dataclass(frozen=True)
class Facts:
    """All there is to tell one guest."""

    instance: Instance
    vifs: tuple[Vif, ...] = ()
    #: Where the guest is; empty: not known.
    availability_zone: str = ""
    #: The guest's domain, without a dot before it; empty: the host name stands alone.
    domain: str = ""
    #: What the guest may stir into its random numbers.
    random_seed: bytes = field(default=b"", repr=False)
    #: Told only at the moment at which it is set.
    admin_password: str | None = field(default=None, repr=False)
    #: ``vendor_data.json``, and by the name of its source ``vendor_data2.json``.
    vendor_data: Mapping[str, Any] = field(default_factory=dict)
    vendor_data2: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hostname(self) -> str:
        return f"{self.instance.hostname}.{self.domain}" if self.domain else self.instance.hostname

    @cached_property
    def user_data(self) -> bytes | None:
        text = self.instance.user_data
        return None if text is None else base64.b64decode(text)

    @cached_property
    def injected_files(self) -> tuple[tuple[str, bytes], ...]:
        """(path in the guest, content) of the files that the user brought."""
        given = json.loads(self.instance.system_metadata.get("injected_files", "[]"))
        return tuple((one["path"], base64.b64decode(one["contents"])) for one in given)

    @property
    def fixed_ips(self) -> tuple[FixedIp, ...]:
        return tuple(each for vif in self.vifs for each in vif.fixed_ips)

    @property
    def key_type(self) -> str:
        """A key pair is of SSH, or a certificate for Windows."""
        is_certificate = (self.instance.key_data or "").startswith("-----BEGIN CERTIFICATE")
        return "x509" if is_certificate else "ssh"
