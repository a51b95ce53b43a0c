# SPDX-License-Identifier: Apache-2.0
"""What a driver is given to make a guest from: the one place where it is put together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from oslo_config import cfg

from minicloud import exception
from minicloud.compute.host import Host, Images
from minicloud.context import RequestContext
from minicloud.guest_data import config_drive, gather
from minicloud.objects import Image, Instance, Vif
from minicloud.virt.driver import Order, SpawnOrder
from minicloud.virt.stages import Stages


class LazyImage:
    """An image on behalf of the one who asked for the guest; see :class:`minicloud.virt.driver.SourceImage`."""

    def __init__(self, images: Images | None, ctxt: RequestContext, image_id: str) -> None:
        self._images = images
        self._ctxt = ctxt
        self._id = image_id

    @property
    def id(self) -> str:
        return self._id

    @cached_property
    def info(self) -> Image:
        return self._service().get(self._ctxt, self._id)

    def part(self, name: str) -> LazyImage | None:
        wanted = self.info.properties.get(name)
        return LazyImage(self._images, self._ctxt, str(wanted)) if wanted else None

    def read(self) -> Iterator[bytes]:
        return self._service().download(self._ctxt, self._id)

    def _service(self) -> Images:
        if self._images is None:
            raise exception.NotSupported("This host reaches no image service.")
        return self._images


def wants_config_drive(conf: cfg.ConfigOpts, instance: Instance) -> bool:
    """Its owner, its image or the host's operator may want it."""
    is_mandatory = instance.image_properties.get("img_config_drive") == "mandatory"
    return instance.config_drive or is_mandatory or bool(conf.compute.force_config_drive)


def spawn_order(
    host: Host,
    ctxt: RequestContext,
    order: Order,
    *,
    purpose: str,
    vifs: tuple[Vif, ...] | None = None,
    attempt: int = 1,
    image_id: str | None = None,
    admin_password: str | None = None,
    stages: Stages | None = None,
) -> SpawnOrder:
    """
    :param purpose: see :class:`SpawnOrder`
    :param vifs: default: those that the instance's record has
    :param image_id: default: that of the instance
    :param admin_password: told to the guest on its config drive, and kept nowhere else
    :param stages: default: nobody asks for them
    """
    instance = order.instance
    ports = instance.network_info if vifs is None else vifs
    files: dict[str, bytes] = {}
    if wants_config_drive(host.conf, instance):
        files = config_drive(gather(host.conf, instance, ports, roles=ctxt.roles or (), admin_password=admin_password))
    wanted = instance.image_id if image_id is None else image_id
    return SpawnOrder(
        instance,
        order.cancelled,
        vifs=ports,
        image=LazyImage(host.neighbours.images, ctxt, wanted) if wanted else None,
        files=files,
        attempt=attempt,
        purpose=purpose,
        stages=stages or Stages(),
    )
