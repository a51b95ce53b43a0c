# SPDX-License-Identifier: Apache-2.0
"""A resource provider for every compute node."""

from __future__ import annotations

from oslo_log import log as logging

from minicloud.db.api import mappings
from minicloud.db.api import placement as db
from minicloud.db.api.placement import Provider
from minicloud.db.session import Connection, Database, retry_on_race
from minicloud.objects import ComputeNode
from minicloud.placement import resources

LOG = logging.getLogger(__name__)


@retry_on_race
def keep_node(api_db: Database, node: ComputeNode, cell_uuid: str) -> tuple[Provider, bool]:
    """Record the cell of a node's host, and its provider.

    :returns: the provider, and whether the host was not known to be in that cell
    """
    with api_db.writer() as conn:
        is_news = mappings.map_host(conn, node.host, cell_uuid)
        if is_news:
            LOG.info("Host %s belongs to cell %s", node.host, cell_uuid)
        return ensure_provider(conn, node, cell_uuid), is_news


def ensure_provider(conn: Connection, node: ComputeNode, cell_uuid: str) -> Provider:
    """Make or renew the provider of a node with its inventories; nothing is written when nothing changed.

    It is found by the node's name. A node whose record was made anew keeps the provider it had, and
    with it the claims of its servers.
    """
    wanted = Provider(node.uuid, node.hypervisor_hostname, node.host, cell_uuid, 0, tuple(node.traits))
    known = next(iter(db.providers(conn, name=wanted.name)), None)
    if known is None:
        db.create_provider(conn, wanted)
        db.set_inventories(conn, wanted.uuid, resources.of_node(node))
        return wanted
    wanted = wanted._replace(uuid=known.uuid, generation=known.generation)
    if wanted != known:
        if wanted.host != known.host:
            LOG.warning("Node %s moved from host %s to %s", known.name, known.host, wanted.host)
        db.update_provider(conn, wanted)
    inventories = resources.of_node(node)
    if db.inventories(conn, [known.uuid]).get(known.uuid, {}) != inventories:
        (locked,) = db.lock_providers(conn, [known.uuid])
        db.set_inventories(conn, known.uuid, inventories)
        db.raise_generation(conn, [known.uuid])
        wanted = wanted._replace(generation=locked.generation + 1)
    return wanted
