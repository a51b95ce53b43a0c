# SPDX-License-Identifier: Apache-2.0
"""Users."""

from __future__ import annotations

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.objects import User

users = Repository(models.User, User, "user")
