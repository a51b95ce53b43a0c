# SPDX-License-Identifier: Apache-2.0
"""Whether a token opens a console, and whether that console may stay open."""

from __future__ import annotations

from dataclasses import dataclass

from minicloud import context, exception
from minicloud.cells import Cell, Cells
from minicloud.db.cell import console_tokens, instances
from minicloud.db.session import UNUSABLE
from minicloud.objects import ConsoleAddress, ConsoleToken, Instance
from minicloud.states import Power
from minicloud.web.moments import now

_RUNNING = (Power.RUNNING, Power.PAUSED, Power.NOSTATE)


class Refused(Exception):
    """A console cannot be had; ``code`` is what its WebSocket is closed with, ``state`` is a word for pages."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state
        self.message = message

    @property
    def code(self) -> int:
        return CODES[self.state]


#: state -> close code of a WebSocket, of those that are free for applications
CODES = {
    "unknown": 4401,
    "gone": 4404,
    "idle": 4408,
    "off": 4409,
    "moved": 4410,
    "ended": 4411,
    "unreachable": 4502,
    "stopping": 4503,
}

_UNKNOWN = "A link is good for a short while only, and ends when its server is stopped or moved. Ask for a new one."


@dataclass(frozen=True, slots=True)
class Grant:
    """A console that a token opens."""

    cell: Cell
    token: ConsoleToken
    instance: Instance


class Grants:
    """What tokens are good for, by the records of the cells."""

    def __init__(self, cells: Cells, console_types: tuple[str, ...]) -> None:
        """
        :param console_types: what this proxy can carry
        """
        self._cells = cells
        self._types = console_types

    def find(self, token: str) -> Grant:
        """
        :raises Refused: for a token that is unknown, or a server that is off
        """
        if not token or len(token) > 255:
            raise Refused("unknown", _UNKNOWN)

        def ask(cell: Cell) -> Grant | None:
            with cell.db.reader() as conn:
                found = console_tokens.find(conn, token, now())
                if found is None or found.console_type not in self._types:
                    return None
                return Grant(cell, found, instances.get(conn, found.instance_uuid))

        try:
            answers = self._cells.scatter(ask, self._cells.all())
        except exception.InstanceNotFound:
            raise Refused("gone", "This server has been deleted.") from None
        grant = next(filter(None, answers.answers.values()), None)
        if grant is None and answers.down:
            raise Refused("unreachable", "A part of the cloud does not answer; try again in a moment.")
        if grant is None:
            raise Refused("unknown", _UNKNOWN)
        _check(grant, grant.instance)
        return grant

    def check(self, grant: Grant) -> bool:
        """Whether a console that was opened before may stay open: its token may have expired since.

        :returns: whether something is being done with its server
        :raises Refused: when its server is gone, off or elsewhere
        """
        try:
            with grant.cell.db.reader() as conn:
                instance = instances.get(conn, grant.instance.uuid)
        except exception.InstanceNotFound:
            raise Refused("gone", "This server has been deleted.") from None
        except UNUSABLE:
            return False  # a database that is away for a while ends no session
        _check(grant, instance)
        return instance.task_state is not None


def _check(grant: Grant, instance: Instance) -> None:
    if instance.host != grant.token.compute_host:
        raise Refused("moved", "This server has moved to another host. Ask for a new link.")
    if console_tokens.are_void_after({"vm_state": instance.vm_state}) or instance.power_state not in _RUNNING:
        raise Refused("off", "This server is off. Start it and ask for a new link.")


def address(grant: Grant) -> ConsoleAddress:
    """Where the console listens now, as its host says: a port may have been given to another guest since.

    :raises Refused: when the host does not answer, or the console is another by now
    """
    compute = grant.cell.compute
    if compute is None:
        raise Refused("gone", "This server has no host.")
    token = grant.token
    try:
        found = compute.get_console(context.admin(), token.compute_host, grant.instance, token.console_type)
    except (exception.ConsoleNotAvailable, exception.GuestNotFound):
        raise Refused("off", "This server is off. Start it and ask for a new link.") from None
    except exception.ServiceUnavailable:
        raise Refused("unreachable", "The host of this server does not answer.") from None
    except exception.HypervisorAway:
        raise Refused("unreachable", "The hypervisor on the host of this server does not answer for now.") from None
    except exception.MinicloudError as error:
        raise Refused("unreachable", f"The host of this server has no such console: {error.message}") from None
    if (found.host, found.port) != (token.host, token.port):
        raise Refused("unknown", "The server was started anew since this link was made. Ask for a new one.")
    return found
