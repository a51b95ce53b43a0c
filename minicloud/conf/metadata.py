# SPDX-License-Identifier: Apache-2.0
"""What guests are told of themselves: by the metadata service and on config drives."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("metadata", title="Metadata of guests")

OPTS = [
    cfg.StrOpt(
        "dhcp_domain",
        default="cloud.local",
        help="Domain in the host name that a guest is told. Empty: the name stands alone. "
        "Related option: [network] dns_domain, the domain that the network's name servers know guests by.",
    ),
    cfg.StrOpt(
        "url",
        default="",
        help="How the proxies on the hosts reach the metadata service, such as http://controller:8774/metadata. "
        "Empty: the path /metadata of this machine's own front ends, which is right when all of the cloud is on it.",
    ),
    cfg.StrOpt(
        "proxy_shared_secret",
        default="",
        secret=True,
        help="What the metadata service and those who pass guests' questions on to it have in common: they sign with "
        "it for whom they ask. It is the option metadata_proxy_shared_secret of Neutron's metadata agent, which may be "
        "such a one too. Empty: the file metadata.secret in the state directory has it, made when it is missing; so it "
        "has to be set where the hosts do not share that directory with the front end.",
    ),
    cfg.IntOpt(
        "cache_seconds",
        default=15,
        min=0,
        help="Seconds for which the service remembers what it tells a guest. While it boots, a guest asks dozens of "
        "questions in a row; they are answered with one look at the databases.",
    ),
    cfg.StrOpt(
        "vendordata_jsonfile_path",
        default="",
        help="A file with a JSON object, shown to all guests as vendor_data.json, and as 'static' in "
        "vendor_data2.json. It is read anew whenever it is needed.",
    ),
    cfg.ListOpt(
        "vendordata_dynamic_targets",
        default=[],
        help="Services that are asked what else to tell a guest, each as name@URL with http or https. The answer to a "
        "POST with the server's project-id, instance-id, image-id, user-data, hostname, metadata and boot-roles is "
        "shown under the name in vendor_data2.json. One that does not answer has an empty object there.",
    ),
    cfg.IntOpt(
        "vendordata_dynamic_timeout",
        default=5,
        min=1,
        max=60,
        help="Seconds that each service in vendordata_dynamic_targets may take to answer.",
    ),
    cfg.IntOpt(
        "proxy_rate_limit",
        default=50,
        min=1,
        help="Questions a second that a host's proxy takes from one address; beyond them it answers 429.",
    ),
]
