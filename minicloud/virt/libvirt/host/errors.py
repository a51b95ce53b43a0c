# SPDX-License-Identifier: Apache-2.0
"""libvirt's errors as ours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import libvirt

from minicloud import exception

P = ParamSpec("P")
T = TypeVar("T")

#: Parts of libvirt that carry a request to its daemon.
_WAY = (libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE)


def reported(function: Callable[P, T]) -> Callable[P, T]:
    """A verb of the driver that raises an exception of ours, mostly VirtError, for what libvirt raises."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except libvirt.libvirtError as error:
            raise ours(error) from error

    return wrapper


def ours(error: libvirt.libvirtError) -> exception.MinicloudError:
    """What the way to the daemon complains of is not what the daemon does, nor is what no guest of this kind can."""
    if has_code(error, libvirt.VIR_ERR_NO_SUPPORT):
        return exception.NotSupported(f"Guests of this kind cannot do that: {reason(error)}.")
    kind = exception.HypervisorAway if error.get_error_domain() in _WAY else exception.VirtError
    return kind(reason=reason(error))


def reason(error: libvirt.libvirtError) -> str:
    return str(error.get_error_message() or error)


def has_code(error: libvirt.libvirtError, *codes: int) -> bool:
    return error.get_error_code() in codes


def is_taken_port(error: libvirt.libvirtError) -> bool:
    """Whether QEMU ended because somebody listens on a port of its; there is no code for that."""
    return "Address already in use" in str(error)


def is_missing_device(error: libvirt.libvirtError) -> bool:
    """Whether a network device is not there; there is no code for that either."""
    return "No such device" in str(error)


def is_too_early(error: libvirt.libvirtError) -> bool:
    """Whether a container's first process is not known yet, which it is soon."""
    return "until init PID is known" in str(error)


def tolerate(function: Callable[[], object], *codes: int) -> None:
    """Do something, and take these errors of libvirt for success."""
    try:
        function()
    except libvirt.libvirtError as error:
        if not has_code(error, *codes):
            raise
