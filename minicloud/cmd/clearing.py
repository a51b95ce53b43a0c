# SPDX-License-Identifier: Apache-2.0
"""Taking off this machine what a cloud has on it outside of its state directory: guests first, then their networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oslo_config import cfg

from minicloud import exception
from minicloud.builtin.network.agent import agent, parts
from minicloud.builtin.network.agent.lock import Lock, owner
from minicloud.builtin.network.drivers import loader as networks
from minicloud.cmd import remembered
from minicloud.cmd.remembered import Run
from minicloud.cmd.setup.databases import opened
from minicloud.db.cell import instances
from minicloud.virt import identity, loader
from minicloud.virt.survey import surveying

#: What of the state directory stays while anything is left: whose it is, and what guests that may run still use.
NEEDED = (identity.FILE, remembered.FILE, "docker", "instances")

#: How many servers are named when their guests cannot be looked for.
_NAMED = 5


def clear(conf: cfg.ConfigOpts) -> list[str]:
    """Remove the guests and networks of every run that a cloud ever had; the caller sees to it that it does not run.

    Each part fails alone. Afterwards the configuration is that of the last run.

    :returns: what is left, and why
    """
    runs = remembered.runs(conf.state_dir) or [remembered.of(conf, 1)]
    left: list[str] = []
    # Guests of all runs before any network: they are plugged into it.
    for part in (_guests, _networks):
        for run in runs:
            run.apply(conf)
            left += [each for each in part(conf, run) if each not in left]
    return left


def _guests(conf: cfg.ConfigOpts, run: Run) -> list[str]:
    left = []
    for host in run.hosts:
        try:
            driver = loader.load(conf, host)
        except exception.ConfigurationError as error:
            return [f"guests of {run.driver}: {error}"]
        try:
            left += surveying(driver).clear()
        except Exception as error:  # a driver may be anybody's, and its trouble must not keep the rest
            left.append(f"guests of {run.driver}{_servers(conf, host)}: {error}")
        finally:
            driver.cleanup_host()
    return left


def _servers(conf: cfg.ConfigOpts, host: str) -> str:
    """The servers whose guests a host should have, in words; nothing when nobody can tell."""
    if not conf.database.cell and not (Path(conf.state_dir) / "cell.sqlite").exists():
        return ""
    try:
        with opened(conf, "cell") as db, db.reader() as conn:
            found = [one.uuid for one in instances.placed(conn) if one.host == host]
    except Exception:  # the database may be half made, or away: then it is said without
        return ""
    more = ", …" if len(found) > _NAMED else ""
    return f", of the servers {', '.join(found[:_NAMED])}{more}" if found else ""


def _networks(conf: cfg.ConfigOpts, run: Run) -> Sequence[str]:
    """What network agents made, unless networks were books only, or are another cloud's by now."""
    if networks.choice(conf) == networks.BOOKS or owner(conf):
        return []
    try:
        lock = Lock(conf)
    except exception.ConfigurationError as error:
        return [str(error)]
    failures = [f"networks: {each}" for each in agent.clean(parts.make(conf))]
    if failures:
        lock.release()
    else:
        lock.remove()
    return failures
