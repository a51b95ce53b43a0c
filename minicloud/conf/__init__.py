# SPDX-License-Identifier: Apache-2.0
"""Every option, one file per group; a new file here is discovered.

Each module of this package has ``GROUP`` (an ``oslo_config.cfg.OptGroup`` or None for
DEFAULT) and ``OPTS`` (its options). There is no global configuration object: whoever
starts a program makes one with :func:`new` and passes it on, so that fifty fake computes
with different settings can live in one process.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from types import ModuleType

from oslo_config import cfg
from oslo_log import log


def modules() -> list[ModuleType]:
    """The option modules of this package, by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def list_opts() -> Iterable[tuple[cfg.OptGroup | None, list[cfg.Opt]]]:
    """What oslo-config-generator prints (entry point ``oslo.config.opts``)."""
    return [(module.GROUP, list(module.OPTS)) for module in modules()]


def new(args: Sequence[str] = (), files: Sequence[str] | None = None, *, prog: str = "minicloud") -> cfg.ConfigOpts:
    """A configuration with every option of ours registered.

    :param args: command-line arguments, such as ``["--config-file", "x.conf"]``
    :param files: configuration files; None looks in oslo.config's default places
    """
    conf = registered()
    conf(
        list(args),
        project="minicloud",
        prog=prog,
        default_config_files=None if files is None else list(files),
        default_config_dirs=None if files is None else [],
    )
    return conf


def registered() -> cfg.ConfigOpts:
    """Every option of ours, before any file or command line is read."""
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    for group, options in list_opts():
        if group is None:
            conf.register_opts(options)
            continue
        # A group of its own: ConfigOpts copies a group but not its options, so that what is
        # overridden in one configuration would be in all.
        conf.register_group(cfg.OptGroup(group.name, title=group.title, help=group.help))
        conf.register_opts(options, group=group.name)
    return conf
