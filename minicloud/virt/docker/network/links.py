# SPDX-License-Identifier: Apache-2.0
"""Interfaces of containers: a veth whose host's end is in a bridge and whose other end is in the container.

Everything may be repeated: what is there already stays.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from oslo_log import log as logging
from pyroute2 import IPRoute, NetlinkError

from minicloud import exception
from minicloud.objects import Vif
from minicloud.virt.docker.network.addresses import Address, Route, addresses

LOG = logging.getLogger(__name__)

R = TypeVar("R")

_CLONE_NEWNET = 0x40000000

#: How often a bridge is made that others remove.
_TRIES = 3

#: A name that the kernel takes for a device, and that is none of a file's or an option's.
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")


def _is_there(device: str) -> bool:
    """By the kernel's word, for /sys may be that of another network namespace."""
    with IPRoute() as ip:
        return bool(ip.link_lookup(ifname=device))


class Namespace:
    """The network namespace of a process; it stays open, whatever becomes of the process."""

    def __init__(self, pid: int) -> None:
        """:raises OSError: when there is no such process"""
        self.fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> Namespace:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.fd)

    def run(self, work: Callable[[IPRoute], R]) -> R:
        """Do something inside, in a thread that ends there: a namespace is a thread's own."""
        done: Future[R] = Future()

        def enter() -> None:
            try:
                if ctypes.CDLL(None, use_errno=True).setns(self.fd, _CLONE_NEWNET):
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
                with IPRoute() as ip:
                    done.set_result(work(ip))
            except BaseException as error:
                done.set_exception(error)

        thread = threading.Thread(target=enter, name="container-network", daemon=True)
        thread.start()
        thread.join()
        return done.result()


def plug(vif: Vif, inside: Namespace, ways: Sequence[Route]) -> None:
    """Give a container an interface.

    :param ways: what it leads to
    :raises VirtError:
    """
    try:
        _plug(vif, inside, ways)
    except (NetlinkError, OSError) as error:
        raise exception.VirtError(reason=f"port {vif.port_id} could not be plugged in: {error}") from error


def unplug(vif: Vif) -> None:
    """Remove both ends of an interface; nothing when there is none.

    :raises VirtError:
    """
    try:
        _remove(vif.devname)
    except (NetlinkError, OSError) as error:
        raise exception.VirtError(reason=f"port {vif.port_id} could not be unplugged: {error}") from error


def _plug(vif: Vif, inside: Namespace, ways: Sequence[Route]) -> None:
    device, bridge = _checked(vif.devname), _checked(vif.bridge or "")
    found = inside.run(lambda ip: _name_of(ip, vif.mac_address))
    if found is None or not _is_there(device):
        _remove(device)  # of the container's last run: the kernel takes a moment to
        name = inside.run(_free_name)
        with IPRoute() as ip:
            peer = {"ifname": name, "address": vif.mac_address, "mtu": vif.mtu, "net_ns_fd": inside.fd}
            ip.link("add", ifname=device, kind="veth", mtu=vif.mtu, peer=peer)
    _join(device, bridge, vif.mtu)
    inside.run(lambda ip: _configure(ip, vif, ways))


def _join(device: str, bridge: str, mtu: int) -> None:
    for left in reversed(range(_TRIES)):
        try:
            _ensure_bridge(bridge, mtu)
            with IPRoute() as ip:
                ip.link("set", index=_index(ip, device), master=_index(ip, bridge), state="up")
            return
        except (OSError, NetlinkError):
            # An agent may just be removing what was the bridge of the network's last guest.
            if not left or _is_there(bridge):
                raise


def _checked(device: str) -> str:
    if not _DEVICE.fullmatch(device):
        raise exception.VirtError(reason=f"{device!r} is no name of a network device")
    return device


def _index(ip: IPRoute, device: str) -> int:
    found: list[int] = list(ip.link_lookup(ifname=device))
    if not found:
        raise OSError(errno.ENODEV, f"{device} is gone")
    return found[0]


def _remove(device: str) -> None:
    if not _is_there(device):
        return
    with IPRoute() as ip:
        for index in ip.link_lookup(ifname=device):
            try:
                ip.link("del", index=index)
            except NetlinkError as error:
                if error.code != errno.ENODEV:  # it went with its namespace
                    raise


def _ensure_bridge(name: str, mtu: int) -> None:
    """As whoever comes first makes it, the network agent or a driver."""
    if _is_there(name):
        return
    with IPRoute() as ip:
        try:
            ip.link("add", ifname=name, kind="bridge", mtu=mtu, br_stp_state=0)
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                raise
        ip.link("set", index=_index(ip, name), state="up")


# --- inside of the container --------------------------------------------------------------------


def _name_of(ip: IPRoute, mac_address: str) -> str | None:
    for link in ip.get_links():
        if link.get_attr("IFLA_ADDRESS") == mac_address.lower():
            return str(link.get_attr("IFLA_IFNAME"))
    return None


def _free_name(ip: IPRoute) -> str:
    taken = {link.get_attr("IFLA_IFNAME") for link in ip.get_links()}
    return next(name for name in (f"eth{number}" for number in range(len(taken) + 1)) if name not in taken)


def _configure(ip: IPRoute, vif: Vif, ways: Sequence[Route]) -> None:
    """A container is not expected to have a DHCP client: it is told here what one would find out."""
    name = _name_of(ip, vif.mac_address)
    if name is None:
        raise OSError(errno.ENODEV, f"the interface with {vif.mac_address} is gone")
    index = _index(ip, name)
    for address in addresses(vif):
        _add_address(ip, index, address)
    ip.link("set", index=index, state="up")
    for route in ways:
        _add_route(ip, index, route, vif)


def _add_address(ip: IPRoute, index: int, address: Address) -> None:
    ip.addr("replace", index=index, address=address.address, prefixlen=address.prefix)


def _add_route(ip: IPRoute, index: int, route: Route, vif: Vif) -> None:
    more: dict[str, Any] = {"gateway": route.via} if route.via else {}
    if route.metric:
        more["priority"] = route.metric
    try:
        ip.route("replace", family=route.family, dst=route.to, oif=index, **more)
    except NetlinkError as error:
        # A subnet's owner may write routes that lead nowhere; the others are to work all the same.
        LOG.warning("Port %s has no route to %s: %s", vif.port_id, route.to, error)
