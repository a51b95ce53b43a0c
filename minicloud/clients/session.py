# SPDX-License-Identifier: Apache-2.0
"""Requests to another service, with the caller's token or as this cloud's own user."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from minicloud import exception
from minicloud.context import RequestContext

#: Seconds for the answer to an upload: the service may have to write it all anew first.
_UPLOAD = 600.0


class Service:
    """One service by HTTP; thread-safe. Nothing is asked before the first request."""

    def __init__(self, conf: cfg.ConfigOpts, service_type: str, own_url: str, password: Callable[[], str]) -> None:
        """
        :param own_url: of this cloud's front ends, without the path of a service
        :param password: of the user of ``[service_auth]``; asked when it is needed first
        """
        self._conf = conf
        self._type = service_type
        self._own_url = own_url.rstrip("/")
        self._password = password
        self._lock = threading.Lock()
        self._made: Any = None

    def request(self, ctxt: RequestContext, method: str, path: str, **options: Any) -> Any:
        """A response, whatever its status.

        :param options: of requests: json, params, headers, data, stream
        :raises ServiceUnavailable: when there is none
        """
        from keystoneauth1 import exceptions  # half a second, for those who use HTTP only

        headers = dict(options.pop("headers", {}))
        if ctxt.global_request_id or ctxt.request_id:
            headers["X-Openstack-Request-Id"] = str(ctxt.global_request_id or ctxt.request_id)
        is_upload = "data" in options and not isinstance(options["data"], bytes)
        if is_upload:
            options["timeout"] = _UPLOAD
        try:
            adapter = self._adapter()
            token = ctxt.auth_token
            if token:
                headers["X-Auth-Token"] = token
            elif is_upload:
                # A stream can be sent once: not again with a new token when this one is refused.
                headers["X-Auth-Token"] = adapter.get_token()
            options["authenticated"] = "X-Auth-Token" not in headers
            return adapter.request(path, method, headers=headers, raise_exc=False, redirect=False, **options)
        except (exceptions.Unauthorized, exceptions.AuthorizationFailure, exceptions.CatalogException) as error:
            raise exception.ServiceUnavailable(
                reason=f"the {self._type} service cannot be used as {self._conf.service_auth.username}: {error}"
            ) from None
        except exceptions.ClientException as error:
            raise exception.ServiceUnavailable(reason=f"the {self._type} service: {error}") from None

    def _adapter(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Any:
        from keystoneauth1 import adapter, session
        from keystoneauth1.identity import v3

        options = self._conf.service_auth
        user = v3.Password(
            auth_url=_v3(options.auth_url or f"{self._own_url}/identity"),
            username=options.username,
            password=options.password or self._password(),
            project_name=options.project_name,
            user_domain_name=options.user_domain_name,
            project_domain_name=options.project_domain_name,
        )
        made = session.Session(auth=user, verify=options.cafile or True, timeout=options.timeout)
        return adapter.Adapter(
            made,
            service_type=self._type,
            interface="internal",
            region_name=options.region_name,
            endpoint_override=self._endpoint(),
        )

    def _endpoint(self) -> str | None:
        override = getattr(self._conf, self._type).endpoint_override
        if override:
            return str(override).rstrip("/")
        return None if self._conf.service_auth.auth_url else f"{self._own_url}/{self._type}"


def _v3(url: str) -> str:
    return url if url.rstrip("/").endswith("/v3") else f"{url.rstrip('/')}/v3"


def raise_for(response: Any, not_found: exception.MinicloudError) -> None:
    """Turn an answer of 400 and above into one of our errors, with the service's words.

    :param not_found: for 404
    """
    code = response.status_code
    if code < 400:
        return
    if code == 404:
        raise not_found
    text = message(response)
    if code == 401:
        raise exception.Unauthorized(text or None)
    for known, error in _ERRORS.items():
        if code == known:
            raise error(text or None)
    if code < 500:
        raise exception.BadRequest(text or None)
    raise exception.ServiceUnavailable(reason=text or f"it answered {code}")


_ERRORS = {
    403: exception.Forbidden,
    409: exception.Conflict,
    410: exception.Gone,
    413: exception.RequestTooLarge,
}


def message(response: Any) -> str:
    """What a fault says; empty when it says nothing that can be read."""
    try:
        body = response.json()
    except ValueError:
        return ""
    found = body.get("message", "") if isinstance(body, dict) else ""
    return found[:500] if isinstance(found, str) else ""
