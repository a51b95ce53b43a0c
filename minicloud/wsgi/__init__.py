# SPDX-License-Identifier: Apache-2.0
"""The front ends for a WSGI server: ``minicloud.wsgi.compute:application`` and so on, ``all`` for one port.

``$MINICLOUD_CONFIG_FILES`` names the configuration files, separated as in ``$PATH``; without it
they are looked for in the default places.
"""

import minicloud.cmd.backend  # noqa: F401  # native threads, before anything of OpenStack
