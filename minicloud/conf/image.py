# SPDX-License-Identifier: Apache-2.0
"""How images are reached, and the built-in image service."""

from __future__ import annotations

from oslo_config import cfg, types

GROUP = cfg.OptGroup("image", title="Images")

OPTS = [
    cfg.StrOpt(
        "api",
        default="auto",
        choices=[
            ("auto", "in the process where the built-in service's data is at hand, by HTTP on compute hosts apart"),
            ("builtin", "the built-in service in the process; compute hosts that run apart then make no snapshots"),
            ("http", "by HTTP, everywhere"),
        ],
        help="How the compute API and compute hosts reach images. By HTTP the compute API acts with the token of its "
        "caller; compute hosts act as the user of [service_auth], after the API has checked what a caller may.",
    ),
    cfg.StrOpt(
        "endpoint_override",
        help="URL of the image service by HTTP, without /v2. Empty: what the catalog of [service_auth] auth_url says, "
        "or where that is empty too, the built-in service at /image below [front_end] public_url.",
    ),
    cfg.StrOpt(
        "images_path",
        help="The directory that holds the data of images. Empty: images under [DEFAULT] state_dir. "
        "Several API processes may share it, on one machine or over a shared file system with locks.",
    ),
    cfg.IntOpt(
        "image_size_cap",
        default=1 << 40,
        min=1,
        help="Bytes one image may have, whether uploaded, staged or downloaded. What exceeds it is refused with 413 "
        "and leaves nothing behind. The default is 1 TiB.",
    ),
    cfg.IntOpt(
        "image_property_quota", default=128, min=0, help="How many custom properties one image may have; more is 413."
    ),
    cfg.IntOpt("image_tag_quota", default=128, min=0, help="How many tags one image may have; more is 413."),
    cfg.IntOpt(
        "image_member_quota", default=128, min=0, help="With how many projects one image may be shared; more is 413."
    ),
    cfg.IntOpt(
        "limit_param_default", default=25, min=1, help="Images on a page of a list when the request gives no limit."
    ),
    cfg.IntOpt("api_limit_max", default=1000, min=1, help="The most images on a page, whatever limit a request gives."),
    cfg.ListOpt(
        "enabled_import_methods",
        default=["glance-direct", "web-download"],
        item_type=types.String(choices=["glance-direct", "web-download"]),
        help="Ways to import data. glance-direct: what was staged before; web-download: the service fetches a URL. "
        "Empty: no import at all.",
    ),
    cfg.ListOpt(
        "web_download_ports",
        default=["80", "443"],
        item_type=types.Integer(min=1, max=65535),
        help="Ports that web-download may connect to. Empty: any.",
    ),
    cfg.BoolOpt(
        "web_download_private_addresses",
        default=False,
        help="Whether web-download may connect to loopback, link-local and other addresses that are not public. "
        "Leave it off where users are not trusted: it lets them reach what this machine reaches. "
        "Every address of every redirect is checked.",
    ),
    cfg.IntOpt(
        "web_download_timeout",
        default=3600,
        min=1,
        help="Seconds that one web-download may take in all; it fails when 30 seconds pass without any data.",
    ),
    cfg.BoolOpt(
        "build_guest",
        default=True,
        help="Whether a new cloud whose guests are real is given an image of a tiny guest, made as by 'minicloud image "
        "build-guest' while the cloud runs already. Where Debian's packages cannot be had it goes without.",
    ),
    cfg.IntOpt("import_threads", default=2, min=1, max=64, help="Imports that run at the same time in one process."),
]
