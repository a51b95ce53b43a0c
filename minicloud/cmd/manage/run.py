# SPDX-License-Identifier: Apache-2.0
"""One command from its configuration to its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from oslo_config import cfg
from oslo_log import log as logging

from minicloud import conf as configuration
from minicloud.cmd.manage.base import Refused, first_line
from minicloud.db.session import UNUSABLE

LOG = logging.getLogger(__name__)

#: The exit code for what nobody expected.
UNEXPECTED = 255


def run(files: list[str] | None, command: Callable[[cfg.ConfigOpts], int]) -> int:
    """
    :param files: configuration files; None looks in the default places
    :returns: the exit code
    """
    try:
        conf = configuration.new(files=files)
        # Results go to stdout, and nothing else.
        conf.set_default("use_stderr", True)
        logging.setup(conf, "minicloud")
        logging.getLogger("alembic").logger.setLevel(logging.WARNING)
        return command(conf)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return refused.code
    except (cfg.ConfigFilesNotFoundError, cfg.ConfigFilesPermissionDeniedError, cfg.ConfigFileParseError) as error:
        print(error, file=sys.stderr)
        return 1
    except UNUSABLE as error:
        print(f"The database does not answer as it should: {first_line(error)}", file=sys.stderr)
        return 1
    except Exception:
        LOG.exception("This should not have happened")
        return UNEXPECTED
