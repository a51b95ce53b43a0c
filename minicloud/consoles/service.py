# SPDX-License-Identifier: Apache-2.0
"""A console proxy as a service. Any number of them may run; none keeps state."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import service

from minicloud.cells import Cells
from minicloud.consoles import pages
from minicloud.consoles.grants import Grants
from minicloud.consoles.pages import Pages
from minicloud.consoles.server import Console, Server

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes one of the two proxies."""

    name: str
    #: Where its options are: group, and the names of those of address and port.
    group: str
    host: str
    port: str
    #: What it carries.
    types: tuple[str, ...]


SCREENS = Kind("novncproxy", "vnc", "novncproxy_host", "novncproxy_port", ("novnc",))
TERMINALS = Kind("serialproxy", "serial_console", "serialproxy_host", "serialproxy_port", ("serial",))
KINDS = (SCREENS, TERMINALS)


class ProxyService(service.Service):  # type: ignore[misc]  # oslo.service is untyped
    """``minicloud-novncproxy`` or ``minicloud-serialproxy``."""

    def __init__(self, conf: cfg.ConfigOpts, cells: Cells, kind: Kind, *, may_move: bool = False) -> None:
        """
        :param may_move: take another port when that of the configuration's default is taken
        """
        super().__init__()
        self.name = kind.name
        self._conf = conf
        self._kind = kind
        self._may_move = may_move
        self._console = Console(conf, _pages(conf, kind), Grants(cells, kind.types))
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, and say in the configuration of this process where, for URLs that are made from it.

        :raises OSError: when the port is taken
        """
        self._server = self._listen()
        port = self._server.server_port
        self._conf.set_override(self._kind.port, port, group=self._kind.group)
        LOG.info("Console proxy %s listens at port %s", self._kind.name, port)
        # The default is to look twice a second whether it should end.
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.5}, name=self._kind.name, daemon=True
        )
        self._thread.start()

    def _listen(self) -> Server:
        options = self._conf[self._kind.group]
        host, port = str(options[self._kind.host]), options[self._kind.port]
        try:
            return Server((host, port), self._console)
        except OSError as error:
            if not self._may_move or not self._is_default():
                reason = error.strerror or error
                raise OSError(
                    error.errno,
                    f"{self._kind.name} cannot listen on port {port} of {host}: {reason}; "
                    f"[{self._kind.group}] {self._kind.port} chooses another",
                ) from None
        LOG.info("Port %s is taken: %s takes another", port, self._kind.name)
        return Server((host, 0), self._console)

    def _is_default(self) -> bool:
        found = self._conf.get_location(self._kind.port, group=self._kind.group)
        return found is not None and found.location in (cfg.Locations.opt_default, cfg.Locations.set_default)

    def stop(self, graceful: bool = False) -> None:
        if self._server is not None and self._thread is not None:
            self._server.is_stopping = True
            self._server.shutdown()
            self._server.server_close()
            self._thread = None
        super().stop(graceful)


def _pages(conf: cfg.ConfigOpts, kind: Kind) -> Pages:
    if kind is SCREENS:
        return Pages("vnc.html", pages.novnc(conf), ("vnc_auto.html", "vnc_lite.html", "vnc.html"))
    return Pages("serial.html", pages.xterm(conf), ("serial.html",))
