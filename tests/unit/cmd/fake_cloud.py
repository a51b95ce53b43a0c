# SPDX-License-Identifier: Apache-2.0
"""The ``minicloud`` program around a cloud that only answers on its port; run, not imported, by tests.

``$FAKE_CLOUD`` chooses what it does: nothing special, ``dies`` at its start, ``hangs``
instead of answering, or ``stays`` at SIGTERM.
"""

from __future__ import annotations

import http.server
import logging
import os
import signal
import sys
import threading
import types
from typing import Any, NamedTuple

from minicloud.cmd import cli

MODE = os.environ.get("FAKE_CLOUD", "")


class Options(NamedTuple):
    bind: str
    port: int
    hosts: int


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/compute/", "/identity/") else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def run(conf: Any, options: Options) -> int:
    log = logging.getLogger("fake")
    log.warning("Service wsgi started in 0.00 s with %s, %s hosts", conf.compute_driver, options.hosts)
    if MODE == "dies":
        raise RuntimeError("the roof is leaking")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: MODE == "stays" or ended.set())
    if MODE != "hangs":
        server = http.server.ThreadingHTTPServer((options.bind, options.port), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ended.wait()
    return 0


if __name__ == "__main__":
    module: Any = types.ModuleType("minicloud.cmd.all_in_one")
    module.Options, module.run = Options, run
    sys.modules[module.__name__] = module
    import minicloud.cmd

    minicloud.cmd.all_in_one = module  # type: ignore[attr-defined]  # what importing the real one would bind
    sys.exit(cli.main(program=(sys.executable, __file__)))
