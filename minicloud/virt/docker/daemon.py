# SPDX-License-Identifier: Apache-2.0
"""The Docker daemon of this machine, and what its errors mean here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
from docker import errors

from minicloud import exception

#: How much longer than other requests an image may take on its way in or out.
_PATIENCE_FOR_IMAGES = 5

#: Guests on which something is done at the same time, and listeners beside them.
_CONNECTIONS = 64

#: Seconds until a daemon that says nothing is taken for one that is away.
_PULSE = 5


class Daemon:
    """Connections to the daemon; thread-safe once :meth:`connect` has worked."""

    def __init__(self, options: Any) -> None:
        """
        :param options: the group ``[docker]``
        """
        self.url: str = options.url
        self._timeout: int = options.timeout
        self._api: Any = None
        self._images: Any = None
        self._pulse: Any = None

    def connect(self) -> None:
        """
        :raises ConfigurationError: when there is no daemon
        """
        try:
            self._api = self._client(self._timeout)
            self._api.ping()
            self._images = self._client(self._timeout * _PATIENCE_FOR_IMAGES)
            self._pulse = self._client(_PULSE)
        except (errors.DockerException, OSError) as error:
            raise exception.ConfigurationError(
                reason=f"the Docker daemon does not answer at {self.url}: start it (systemctl start docker), let this "
                f"user use its socket, or set [docker] url to where it is ({error})"
            ) from error

    def _client(self, timeout: int) -> Any:
        return docker.APIClient(base_url=self.url, version="auto", timeout=timeout, max_pool_size=_CONNECTIONS)

    def close(self) -> None:
        for client in (self._api, self._images, self._pulse):
            if client is not None:
                client.close()

    @property
    def api(self) -> Any:
        """The API, one method for each request; use it within :meth:`asked`.

        :raises ConfigurationError: when nobody has connected, and there is no daemon
        """
        if self._api is None:
            self.connect()
        return self._api

    @property
    def image_api(self) -> Any:
        """The same for requests that take as long as an image is large."""
        return self._images

    def ailment(self) -> str | None:
        """Why nothing can be asked just now."""
        try:
            self._pulse.ping()
        except (errors.DockerException, OSError) as error:
            return why(error)
        return None

    @contextmanager
    def asked(self, instance_uuid: str) -> Iterator[Any]:
        """Around requests about one guest.

        :raises GuestNotFound: when its container is not there
        :raises VirtError: for every other complaint of the daemon
        :raises HypervisorAway: when it does not answer
        """
        try:
            yield self.api
        except errors.NotFound as error:
            raise exception.GuestNotFound(instance_uuid=instance_uuid) from error
        except (errors.DockerException, OSError) as error:
            raise ours(error) from error


def ours(error: Exception) -> exception.VirtError:
    """An error of the API is the daemon's word; any other is that of the way to it."""
    kind = exception.VirtError if isinstance(error, errors.APIError) else exception.HypervisorAway
    return kind(reason=why(error))


def why(error: Exception) -> str:
    """What the daemon, or the way to it, complains of."""
    if isinstance(error, errors.APIError):
        return str(error.explanation or error)
    return f"the Docker daemon does not answer: {error}"
