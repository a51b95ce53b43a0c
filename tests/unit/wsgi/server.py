# SPDX-License-Identifier: Apache-2.0
"""Any WSGI server around one of the modules, on a port it chooses and prints; run, not imported, by tests."""

from __future__ import annotations

import importlib
import sys
from wsgiref import simple_server


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    application = importlib.import_module(sys.argv[1]).application
    with simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
