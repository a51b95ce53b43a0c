# SPDX-License-Identifier: Apache-2.0
"""Which server asks: what a proxy says and has signed, checked against the server's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from minicloud import exception
from minicloud.api.v21.servers.lookup import is_uuid
from minicloud.guest_data import signature
from minicloud.objects import Instance, Vif


class Unsigned(exception.Forbidden):
    """Told alike whatever is wrong with a signature."""

    template = "Not signed by a metadata proxy of this cloud."


@dataclass(frozen=True, slots=True)
class Asker:
    """A server as a proxy names it."""

    instance_id: str
    project_id: str
    #: Where the question came from; None: the proxy did not say.
    address: str | None = None

    def check(self, instance: Instance, vifs: Iterable[Vif]) -> None:
        """
        :raises InstanceNotFound: for a server of another project or without that address
        """
        fixed = [each.address for vif in vifs for each in vif.fixed_ips]
        is_elsewhere = self.address is not None and not _is_among(self.address, fixed)
        if instance.project_id != self.project_id or is_elsewhere:
            raise exception.InstanceNotFound(instance_id=self.instance_id)


def read(headers: Mapping[str, str], secret: bytes) -> Asker:
    """
    :raises Unsigned: 403, when no proxy of ours has signed it
    :raises InstanceNotFound: for what is no server's id
    """
    instance_id = headers.get(signature.INSTANCE, "")
    if not signature.is_signed(secret, instance_id, headers.get(signature.SIGNATURE, "")):
        raise Unsigned()
    if not is_uuid(instance_id):
        raise exception.InstanceNotFound(instance_id=instance_id)
    forwarded = headers.get(signature.FORWARDED, "").split(",")[0].strip()
    address = headers.get(signature.SOURCE) or forwarded or None
    return Asker(instance_id, headers.get(signature.PROJECT, ""), address)


def _is_among(address: str, fixed: Iterable[str]) -> bool:
    try:
        wanted = ip_address(address)
        return any(ip_address(each) == wanted for each in fixed)
    except ValueError:
        return False
