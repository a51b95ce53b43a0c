# SPDX-License-Identifier: Apache-2.0
"""The few things that need root. Parts call these, and do not know who does them.

A process that is root does them itself; any other asks oslo.privsep's helper, which
``[network_privsep] helper_command`` starts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

from oslo_config import cfg

from minicloud.builtin.network.agent import commands
from minicloud.builtin.network.agent.commands import CommandFailed

__all__ = ["CommandFailed", "configure", "kill", "run", "write"]


class _Run(Protocol):
    def __call__(
        self,
        argv: Sequence[str],
        namespace: str | None = None,
        stdin: str | None = None,
        codes: Sequence[int] = (0,),
    ) -> str: ...


class _Kill(Protocol):
    def __call__(self, pid: int, signal: int, /) -> None: ...


class _Configure(Protocol):
    def __call__(self, conf: cfg.ConfigOpts, /) -> None: ...


def _needs_nothing(_conf: cfg.ConfigOpts) -> None:
    """Root asks nobody."""


run: _Run
kill: _Kill
#: To be called once before the others.
configure: _Configure

if os.geteuid() == 0:
    run, kill, configure = commands.run, os.kill, _needs_nothing
else:
    # Late, and only for who is not root: the import is dear, see there.
    from minicloud.builtin.network.agent import privsep

    run, kill, configure = privsep.run, privsep.kill, privsep.configure


def write(path: str, text: str, namespace: str | None = None) -> None:
    """Write a file of the kernel's, such as one under ``/proc/sys``, as it is in a network namespace.

    :raises CommandFailed: when the kernel does not have or does not take it
    """
    run(["tee", path], namespace, stdin=text)
