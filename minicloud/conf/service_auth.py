# SPDX-License-Identifier: Apache-2.0
"""As whom this cloud's own programs use services over HTTP."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("service_auth", title="The user of this cloud's own programs")

OPTS = [
    cfg.StrOpt(
        "auth_url",
        help="Where it gets tokens: the identity service's URL, with or without /v3. Empty: the built-in one, at "
        "/identity below [front_end] public_url.",
    ),
    cfg.StrOpt("username", default="minicloud", help="Its name. It needs the role admin in its project."),
    cfg.StrOpt(
        "password",
        secret=True,
        help="Its password. Empty: that of passwords.json in state_dir, which the first start has made. On a compute "
        "host that does not share the state_dir, set it here, in a file that only minicloud may read.",
    ),
    cfg.StrOpt("project_name", default="service", help="The project it works in."),
    cfg.StrOpt("user_domain_name", default="Default", help="The domain of the user."),
    cfg.StrOpt("project_domain_name", default="Default", help="The domain of the project."),
    cfg.StrOpt("region_name", default="RegionOne", help="The region whose services are used."),
    cfg.StrOpt("cafile", help="A file of certificate authorities to trust for HTTPS. Empty: those of the system."),
    cfg.IntOpt("timeout", default=60, min=1, help="Seconds after which a service that says nothing has failed."),
]
