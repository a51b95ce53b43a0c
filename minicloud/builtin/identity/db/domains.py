# SPDX-License-Identifier: Apache-2.0
"""Domains."""

from __future__ import annotations

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.objects import Domain

domains = Repository(models.Domain, Domain, "domain")
