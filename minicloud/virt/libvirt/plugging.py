# SPDX-License-Identifier: Apache-2.0
"""Giving a guest an interface, and taking it away, while it runs and while it does not."""

from __future__ import annotations

import threading
import time
from xml.etree.ElementTree import Element, tostring  # nosec B405  # see xml.parse

import libvirt
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import Vif
from minicloud.virt.driver import Cancelled
from minicloud.virt.libvirt.domain.interfaces import interface
from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.guest import Guest
from minicloud.virt.libvirt.host import errors
from minicloud.virt.libvirt.vif import cut_off, ensure_bridge
from minicloud.virt.libvirt.wishes import Impossible
from minicloud.virt.libvirt.xml.parse import text_at

LOG = logging.getLogger(__name__)

_LOOK = 0.2
#: How often an interface is plugged into a bridge that others remove, or into a container that has just begun.
_TRIES = 10
_LIVE, _CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG


def plug(guest: Guest, plan: Plan, vif: Vif) -> None:
    """Nothing where it is there already.

    :raises VirtError:
    """
    try:
        xml = str(interface(plan, vif))
    except Impossible as error:
        raise exception.VirtError(reason=str(error)) from error
    for left in reversed(range(_TRIES)):
        ensure_bridge(vif)
        try:
            return _attach(guest, vif, xml)
        except libvirt.libvirtError as error:
            if not left or not (errors.is_missing_device(error) or errors.is_too_early(error)):
                raise
            time.sleep(_LOOK)


def _attach(guest: Guest, vif: Vif, xml: str) -> None:
    flags = 0 if _find(guest, vif, live=False) is not None else _CONFIG
    if guest.is_active and _find(guest, vif, live=True) is None:
        flags |= _LIVE
    if flags:
        guest.domain.attachDeviceFlags(xml, flags)


def unplug(guest: Guest, vif: Vif, seconds: float, cancelled: threading.Event) -> None:
    """From the definition at once; a guest that runs is asked, and cut off when it does not let go.

    :raises Cancelled:
    """
    if (found := _find(guest, vif, live=False)) is not None:
        guest.domain.detachDeviceFlags(tostring(found, encoding="unicode"), _CONFIG)
    waited = 0.0
    asked = False
    while guest.is_active and (found := _find(guest, vif, live=True)) is not None:
        if not asked:
            asked = True
            _ask(guest, found)
        if waited >= seconds:
            LOG.warning("The guest holds %s, which is cut off until its next stop", vif.mac_address)
            cut_off(text_at(found, "target/@dev"))
            return
        if cancelled.wait(_LOOK):
            raise Cancelled()
        waited += _LOOK


def _ask(guest: Guest, found: Element) -> None:
    errors.tolerate(
        lambda: guest.domain.detachDeviceFlags(tostring(found, encoding="unicode"), _LIVE),
        libvirt.VIR_ERR_DEVICE_MISSING,
        # Asked already, and the guest has not answered.
        libvirt.VIR_ERR_OPERATION_FAILED,
        libvirt.VIR_ERR_INTERNAL_ERROR,
    )


def _find(guest: Guest, vif: Vif, *, live: bool) -> Element | None:
    for node in guest.definition(live=live).findall("devices/interface"):
        if text_at(node, "mac/@address").lower() == vif.mac_address.lower():
            return node
    return None
