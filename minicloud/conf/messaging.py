# SPDX-License-Identifier: Apache-2.0
"""How the services of this process meet others; oslo.messaging reads these options too."""

from __future__ import annotations

from minicloud.conf import _shared as shared

GROUP = None

OPTS = [
    shared.StrOpt(
        "transport_url",
        default="local://",
        secret=True,
        help="Where the services of the top level meet. Possible values: local:// within one process (local:///NAME is "
        "a space of its own), rabbit://user:password@host:port/vhost between many. A cell has a transport of its own, "
        "recorded in its cell mapping.",
    ),
    shared.IntOpt(
        "rpc_response_timeout",
        default=60,
        min=1,
        help="Seconds to wait for the answer of an RPC call; also how long a message may wait for a broker that is "
        "down before the sender is told so.",
    ),
    shared.IntOpt(
        "executor_thread_pool_size",
        default=16,
        min=1,
        help="Threads that work on the messages of one RPC server. They are started when needed.",
    ),
]
