# SPDX-License-Identifier: Apache-2.0
"""How compute reaches images: the seam, and the built-in service behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minicloud import exception
from minicloud.builtin.image.manager import query
from minicloud.builtin.image.records import Change
from minicloud.context import RequestContext
from minicloud.objects import Image

if TYPE_CHECKING:
    from minicloud.builtin.image.records import ImageRecord
    from minicloud.builtin.image.service import ImageService


class ImageClient(ABC):
    """Images on behalf of a caller, who sees and changes what it may and nothing else."""

    @abstractmethod
    def get(self, ctxt: RequestContext, image_id: str) -> Image:
        """
        :raises ImageNotFound: for an unknown, invisible or malformed id alike
        """

    @abstractmethod
    def find(self, ctxt: RequestContext, filters: Mapping[str, Sequence[str]] | None = None) -> list[Image]:
        """Images the caller sees.

        :param filters: the keys of Glance's listing, each with all its values: ``{"name": ["tiny"]}``,
            ``{"id": ["in:a,b"]}``, ``limit``, ``marker``, ``sort_key``
        :raises BadRequest: naming the key that cannot be understood
        """

    @abstractmethod
    def create(self, ctxt: RequestContext, values: Mapping[str, Any]) -> Image:
        """Register an image without data, such as a snapshot's.

        :param values: attributes and properties side by side, as in Glance's POST
        """

    @abstractmethod
    def set_properties(self, ctxt: RequestContext, image_id: str, properties: Mapping[str, str | None]) -> Image:
        """Add or replace custom properties; None removes one, if it is there."""

    @abstractmethod
    def upload(self, ctxt: RequestContext, image_id: str, chunks: Iterable[bytes]) -> None:
        """Give a queued image its data.

        :raises Conflict: when it is not queued
        """

    @abstractmethod
    def download(self, ctxt: RequestContext, image_id: str) -> Iterator[bytes]:
        """The data in pieces.

        :raises ImageUnacceptable: when it has none yet
        """

    @abstractmethod
    def delete(self, ctxt: RequestContext, image_id: str) -> None:
        """
        :raises ImageNotFound: for an unknown or invisible id
        :raises Forbidden: while it is protected, or somebody else's
        """


#: Fields that an image has both inside the service and here.
_SHARED = tuple(Image.__struct_fields__)
#: What a listing gives when the caller sets no limit of its own.
_MOST = 1000


class BuiltinImages(ImageClient):
    """The image service of this cloud, in this process."""

    def __init__(self, service: ImageService) -> None:
        self._service = service

    def get(self, ctxt: RequestContext, image_id: str) -> Image:
        return _image(self._service.images.get(ctxt, image_id, tags=False))

    def find(self, ctxt: RequestContext, filters: Mapping[str, Sequence[str]] | None = None) -> list[Image]:
        wanted = filters or {}
        page = query.page(wanted, _MOST, _MOST)
        return [_image(image) for image in self._service.images.find(ctxt, query.read(wanted), page)]

    def create(self, ctxt: RequestContext, values: Mapping[str, Any]) -> Image:
        return _image(self._service.images.create(ctxt, values))

    def set_properties(self, ctxt: RequestContext, image_id: str, properties: Mapping[str, str | None]) -> Image:
        have = self._service.images.get(ctxt, image_id, tags=False).properties
        changes = [Change(op="add", name=name, value=value) for name, value in properties.items() if value is not None]
        changes += [
            Change(op="remove", name=name) for name, value in properties.items() if value is None and name in have
        ]
        return _image(self._service.images.update(ctxt, image_id, changes))

    def upload(self, ctxt: RequestContext, image_id: str, chunks: Iterable[bytes]) -> None:
        self._service.data.upload(ctxt, image_id, chunks)

    def download(self, ctxt: RequestContext, image_id: str) -> Iterator[bytes]:
        found = self._service.data.download(ctxt, image_id)
        if found is None:
            raise exception.ImageUnacceptable(image_id=image_id, reason="it has no data yet")
        return found.read(0, None)

    def delete(self, ctxt: RequestContext, image_id: str) -> None:
        self._service.images.delete(ctxt, image_id)


def _image(record: ImageRecord) -> Image:
    return Image(**{name: getattr(record, name) for name in _SHARED})
