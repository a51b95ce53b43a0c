# SPDX-License-Identifier: Apache-2.0
"""The image service as one object: what its API, its clients in this process and bootstrap call."""

from __future__ import annotations

from pathlib import Path

from oslo_config import cfg

from minicloud.builtin.image.db import MIGRATIONS
from minicloud.builtin.image.manager.core import Core
from minicloud.builtin.image.manager.data import Data
from minicloud.builtin.image.manager.images import Images
from minicloud.builtin.image.manager.imports import Imports
from minicloud.builtin.image.manager.members import Members
from minicloud.builtin.image.manager.recovery import recover
from minicloud.builtin.image.policy import RULES
from minicloud.builtin.image.store import FileStore
from minicloud.db.migrate import sync
from minicloud.db.session import Database
from minicloud.web.policy import Policy


class ImageService:
    """All that can be done with images, by concern; thread-safe.

    Making one brings the database to its newest revision and finishes what the last stop
    cut short. Several may share a directory and a database.
    """

    def __init__(self, conf: cfg.ConfigOpts, db: Database) -> None:
        self.conf = conf
        self.db = db
        self.policy = Policy(conf, RULES)
        self.store = FileStore(Path(conf.image.images_path or Path(conf.state_dir) / "images"))
        core = Core(conf, db, self.store, self.policy)
        self.images = Images(core)
        self.data = Data(core)
        self.members = Members(core)
        self.imports = Imports(core, self.data)
        sync(db, MIGRATIONS)
        recover(core, self.images)

    def close(self) -> None:
        """Let imports end and give the directory back."""
        self.imports.close()
        self.store.close()
