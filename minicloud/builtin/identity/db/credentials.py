# SPDX-License-Identifier: Apache-2.0
"""Credentials that other services ask for (EC2 keys and the like)."""

from __future__ import annotations

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.objects import Credential

credentials = Repository(models.Credential, Credential, "credential")
