# SPDX-License-Identifier: Apache-2.0
"""Defaults of oslo.messaging's RabbitMQ options that suit a cloud; the other options keep theirs."""

from __future__ import annotations

from oslo_config import cfg

from minicloud.conf import _shared as shared

GROUP = cfg.OptGroup("oslo_messaging_rabbit", title="RabbitMQ")

OPTS = [
    shared.BoolOpt(
        "rabbit_quorum_queue",
        default=True,
        help="Keep messages in quorum queues, which are replicated and durable. One virtual host holds one kind only: "
        "give a cloud a virtual host of its own, and change this only together with the virtual host.",
    ),
    shared.BoolOpt(
        "rabbit_transient_quorum_queue",
        default=True,
        help="Quorum queues for answers and fanouts as well, so that these survive the loss of a broker node.",
    ),
    shared.IntOpt(
        "heartbeat_timeout_threshold",
        default=30,
        min=0,
        help="Seconds without a sign of life after which a broker's connection counts as lost; 0 never.",
    ),
    shared.FloatOpt(
        "kombu_reconnect_delay",
        default=0.5,
        min=0.0,
        max=4.5,
        help="Seconds to wait before connecting anew after the broker cancelled a consumer.",
    ),
    shared.IntOpt(
        "rabbit_qos_prefetch_count",
        default=16,
        min=0,
        help="Messages a server may hold that it has not begun with; 0 means any number. With a bound, others of the "
        "same topic can take what a busy server has no thread for.",
    ),
]
