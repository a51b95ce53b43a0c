# SPDX-License-Identifier: Apache-2.0
"""The tempest.conf of a running cloud: what it has, and what it can do.

https://docs.openstack.org/tempest/latest/configuration.html
"""

from __future__ import annotations

import configparser
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oslo_config import cfg

from minicloud.cmd import first_start

_Section = dict[str, object]

#: The network that the tests reach the outside by.
_OUTSIDE = "public"
_FLAVORS = ("m1.nano", "m1.micro")

#: What a server of this cloud can and cannot do, whose host is a fake one. Tempest takes most of it for granted.
_COMPUTE_FEATURES: _Section = {
    "attach_encrypted_volume": False,
    "block_migration_for_live_migration": True,
    "can_migrate_between_any_hosts": False,
    "change_password": True,  # nosec B105  # whether it can be
    "config_drive": False,
    "console_output": True,
    "disk_config": True,
    "enable_instance_password": True,  # nosec B105  # whether there is one
    "interface_attach": True,
    "metadata_service": False,
    "pause": True,
    "personality": False,
    "rescue": True,
    "resize": True,
    "serial_console": True,
    "shelve": True,
    "snapshot": True,
    "spice_console": False,
    "stable_rescue": False,
    "suspend": True,
    "swap_volume": False,
    "unified_limits": False,
    "vnc_console": True,
    "volume_multiattach": False,
}

#: What needs a second host.
_BETWEEN_HOSTS = ("cold_migration", "live_migration")

#: Who may log in to the guest of ``minicloud image build-guest``, and become root without a password.
_GUEST_USER = "root"


@dataclass(frozen=True, slots=True)
class Driver:
    """What is otherwise where a hypervisor of this kind runs the servers."""

    #: The images to boot from, by the first of these names that there is. None of them: no guest answers.
    guests: tuple[str, ...] = ()
    #: What it can and a fake one cannot, or the other way round.
    features: Mapping[str, object] = field(default_factory=dict)
    #: The DHCP client in the guest; empty: addresses are put into it from outside.
    dhcp_client: str = ""
    #: Seconds until a server has another state, at most.
    build_timeout: int = 120


#: By the hypervisor's type, as the compute API tells it.
DRIVERS: Mapping[str, Driver] = {
    "fake": Driver(),
    "QEMU": Driver(
        guests=("minicloud-guest",),
        features={
            # An agent in the guest would do it, and the small guest has none.
            "change_password": False,  # nosec B105  # as above
            "config_drive": True,
            "metadata_service": True,
        },
        dhcp_client="udhcpc",
        # Without KVM, beside other guests.
        build_timeout=300,
    ),
    "docker": Driver(
        guests=("minicloud-guest-docker",),
        # Its config drive is a folder in the guest, and no disk that the tests could mount.
        features={
            "metadata_service": True,
            "change_password": False,  # nosec B105  # as above
            "live_migration": False,
            "suspend": False,
            "vnc_console": False,
        },
    ),
}
#: What is taken where no image of a guest is found: empty disks.
_EMPTY = "tiny"
#: An image's name -> that of its like with another id.
_OTHER = "{}-alt"


@dataclass(frozen=True, slots=True)
class _Cloud:
    """What only the cloud itself knows."""

    #: by name
    images: Mapping[str, str]
    public_network: str
    network_extensions: tuple[str, ...]
    hosts: int
    driver: Driver

    @property
    def guest(self) -> str:
        """The name of the image that answers by SSH; empty: there is none."""
        return next((name for name in self.driver.guests if name in self.images), "")

    @property
    def image(self) -> str:
        return self.images.get(self.guest or _EMPTY, "")

    @property
    def other_image(self) -> str:
        return self.images.get(_OTHER.format(self.guest or _EMPTY), self.image)


def render(conf: cfg.ConfigOpts, url: str, passwords: Mapping[str, str]) -> str:
    """The text of a tempest.conf.

    :param conf: of the cloud
    :param url: of the cloud, without the path of a service
    :param passwords: by user; that of admin is asked for and written
    :raises keystoneauth1.exceptions.ClientException: when the cloud does not answer
    """
    parser = configparser.RawConfigParser()
    for name, options in _sections(conf, url, passwords["admin"], _ask(url, passwords["admin"])).items():
        parser[name] = {key: _text(value) for key, value in options.items()}
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ask(url: str, password: str) -> _Cloud:
    from keystoneauth1 import session  # half a second of start-up
    from keystoneauth1.identity import v3

    auth = v3.Password(
        f"{url}/identity/v3",
        username="admin",
        password=password,
        project_name="admin",
        user_domain_id="default",
        project_domain_id="default",
    )
    client = session.Session(auth=auth)

    def get(service: str, path: str) -> Any:
        return client.get(path, endpoint_filter={"service_type": service, "interface": "public"}).json()

    images = {one["name"]: one["id"] for one in get("image", "/v2/images")["images"]}
    networks = get("network", f"/v2.0/networks?name={_OUTSIDE}&router:external=true")["networks"]
    kinds = [one["hypervisor_type"] for one in get("compute", "/os-hypervisors/detail")["hypervisors"]]
    return _Cloud(
        images=images,
        public_network=networks[0]["id"] if networks else "",
        network_extensions=tuple(one["alias"] for one in get("network", "/v2.0/extensions")["extensions"]),
        hosts=len(kinds),
        driver=next((DRIVERS[kind] for kind in kinds if kind in DRIVERS), DRIVERS["fake"]),
    )


def _sections(conf: cfg.ConfigOpts, url: str, password: str, cloud: _Cloud) -> dict[str, _Section]:
    flavors = {name: flavor_id for flavor_id, name, *_ in first_start.FLAVORS}
    return {
        "auth": {
            "use_dynamic_credentials": True,
            "admin_username": "admin",
            "admin_password": password,
            "admin_project_name": "admin",
            "admin_domain_name": "Default",
        },
        "identity": {"uri_v3": f"{url}/identity/v3", "auth_version": "v3", "region": "RegionOne"},
        "identity-feature-enabled": {"api_v2": False, "api_v3": True},
        "service_available": {
            "nova": True,
            "glance": True,
            "neutron": True,
            "cinder": False,
            "swift": False,
            "horizon": False,
        },
        "compute": {
            "image_ref": cloud.image,
            "image_ref_alt": cloud.other_image,
            "flavor_ref": flavors[_FLAVORS[0]],
            "flavor_ref_alt": flavors[_FLAVORS[1]],
            "max_microversion": "latest",
            "min_compute_nodes": cloud.hosts,
            "build_interval": 1,
            "build_timeout": cloud.driver.build_timeout,
        },
        "compute-feature-enabled": {
            **_features(cloud),
            "scheduler_enabled_filters": conf.filter_scheduler.enabled_filters,
        },
        "network": {"public_network_id": cloud.public_network},
        "network-feature-enabled": {
            "api_extensions": cloud.network_extensions,
            "floating_ips": "router" in cloud.network_extensions,
            "port_security": "port-security" in cloud.network_extensions,
            "ipv6_subnet_attributes": True,
        },
        "validation": _validation(cloud),
        # The guest's /tmp is in memory, and what is written to be found again must outlive it.
        "scenario": {"dhcp_client": cloud.driver.dhcp_client, "target_dir": "/root"},
        "placement": {"max_microversion": "latest"},
    }


def _features(cloud: _Cloud) -> _Section:
    able: _Section = {**_COMPUTE_FEATURES, **dict.fromkeys(_BETWEEN_HOSTS, True), **cloud.driver.features}
    return {name: value and (cloud.hosts > 1 or name not in _BETWEEN_HOSTS) for name, value in able.items()}


def _validation(cloud: _Cloud) -> _Section:
    """Whether the tests look into their servers, and how they get in."""
    if not cloud.guest:
        return {"run_validation": False}
    return {
        "run_validation": True,
        "connect_method": "floating",
        "auth_method": "keypair",
        "image_ssh_user": _GUEST_USER,
        "image_alt_ssh_user": _GUEST_USER,
        # Tempest makes the key itself then, and Dropbear takes it.
        "ssh_key_type": "ecdsa",
        # Seconds: for the guest to answer, for one try, and for an address to be there, which a boot may come before,
        # or gone.
        "ssh_timeout": cloud.driver.build_timeout,
        "connect_timeout": 30,
        "ping_timeout": cloud.driver.build_timeout,
        # busybox's shell, whose users of SSH find every program.
        "ssh_shell_prologue": "set -eu -o pipefail;",
    }
