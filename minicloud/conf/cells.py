# SPDX-License-Identifier: Apache-2.0
"""How the API and the scheduler deal with cells."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("cells", title="Cells")

OPTS = [
    cfg.FloatOpt(
        "timeout",
        default=15.0,
        min=0.1,
        help="Seconds to wait for the database of a cell when several are asked. A cell that is slower counts as down: "
        "lists then show what the API database knows of its servers.",
    ),
    cfg.StrOpt(
        "transport_url",
        default="",
        secret=True,
        help="Where the conductor and the computes of this cell meet. Empty: [DEFAULT] transport_url, or a space of "
        "its own when everything runs in one process.",
    ),
    cfg.StrOpt("name", default="cell1", help="Name of the cell that this conductor and these computes belong to."),
]
