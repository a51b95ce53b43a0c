# SPDX-License-Identifier: Apache-2.0
"""The embedded HTTP server, as a service of the process."""

from __future__ import annotations

import threading
from typing import Any

from oslo_config import cfg
from oslo_service import service

from minicloud.web.app import Wsgi

#: Bytes of the largest upload; the image service has a limit of its own below it.
_MOST = 1 << 40


#: Where a client reaches what listens everywhere. Nothing is bound by this table.
_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # nosec B104


def public_url(conf: cfg.ConfigOpts) -> str:
    """How clients reach the front ends."""
    if url := conf.front_end.public_url:
        return str(url).rstrip("/")
    bind = str(conf.front_end.bind)
    host = _REACHABLE.get(bind, f"[{bind}]" if ":" in bind else bind)
    return f"http://{host}:{conf.front_end.port}"


def auth_url(conf: cfg.ConfigOpts) -> str:
    """Where clients get tokens."""
    return f"{public_url(conf)}/identity"


class HttpService(service.Service):  # type: ignore[misc]  # oslo.service is untyped
    """waitress around the front ends."""

    def __init__(self, conf: cfg.ConfigOpts, app: Wsgi) -> None:
        super().__init__()
        self._conf = conf
        self._app = app
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen.

        :raises OSError: when the port is taken
        """
        import waitress

        from minicloud.cmd import bodies  # only programs with front ends load waitress

        options = self._conf.front_end
        sockets: dict[int, Any] = {}
        self._server = waitress.create_server(
            self._app,
            map=sockets,
            host=str(options.bind),
            port=options.port,
            threads=options.threads,
            ident=None,
            connection_limit=1000,
            asyncore_use_poll=True,
            max_request_body_size=_MOST,
            clear_untrusted_proxy_headers=True,
        )
        for each in sockets.values():  # one a bound address, and their wake-up pipes
            if hasattr(each, "channel_class"):
                each.channel_class = bodies.Channel
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)
        self._thread.start()

    def stop(self, graceful: bool = False) -> None:
        """Take no more requests and end those at work."""
        if self._thread is not None:
            self._server.close()
            self._server.task_dispatcher.shutdown(timeout=5)
            self._thread = None
        super().stop(graceful)
