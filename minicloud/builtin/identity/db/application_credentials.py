# SPDX-License-Identifier: Apache-2.0
"""Application credentials."""

from __future__ import annotations

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.objects import ApplicationCredential

application_credentials = Repository(models.ApplicationCredential, ApplicationCredential, "application credential")
