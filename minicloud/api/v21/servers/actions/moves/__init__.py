# SPDX-License-Identifier: Apache-2.0
"""Actions after which a server is on another host, or on none; resizes have a module of their own."""

from __future__ import annotations

from minicloud.api.v21.servers.actions.moves import evacuate, live, shelve

ACTIONS = (*shelve.ACTIONS, *live.ACTIONS, *evacuate.ACTIONS)
