# SPDX-License-Identifier: Apache-2.0
"""One place that turns an exception into a response; each API has its own form of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from oslo_db import exception as db_exc

from minicloud import exception

LOG = logging.getLogger(__name__)

#: (code, message, exception name) -> JSON body
FaultForm = Callable[[int, str, str], dict[str, Any]]

#: Nova's key for each code.
NOVA_KEYS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def nova(code: int, message: str, _name: str) -> dict[str, Any]:
    """``{"itemNotFound": {"code": 404, "message": …}}``"""
    return {NOVA_KEYS.get(code, "computeFault"): {"code": code, "message": message}}


def keystone(code: int, message: str, _name: str) -> dict[str, Any]:
    """``{"error": {"code": 404, "message": …, "title": "Not Found"}}``"""
    from http import HTTPStatus

    return {"error": {"code": code, "message": message, "title": HTTPStatus(code).phrase}}


def neutron(code: int, message: str, name: str) -> dict[str, Any]:
    """``{"NeutronError": {"type": …, "message": …, "detail": ""}}``"""
    return {"NeutronError": {"type": name, "message": message, "detail": ""}}


def glance(code: int, message: str, _name: str) -> dict[str, Any]:
    """``{"code": 404, "title": "Not Found", "message": …}``"""
    from http import HTTPStatus

    return {"code": f"{code} {HTTPStatus(code).phrase}", "title": HTTPStatus(code).phrase, "message": message}


_BUSY = (db_exc.DBConnectionError, db_exc.DBDeadlock)


def describe(error: BaseException) -> tuple[int, str, str]:
    """Code, message and name of any exception; what is unexpected is logged, not shown."""
    if isinstance(error, exception.MinicloudError) and error.safe:
        # 501 is an answer, not a failure.
        if error.code >= 500 and error.code != 501:
            LOG.error("%s: %s", type(error).__name__, error)
        return error.code, error.message, type(error).__name__
    if isinstance(error, _BUSY):
        LOG.error("The database did not answer: %s", error)
        return 503, "The database did not answer; try again in a moment.", "ServiceUnavailable"
    if type(error).__name__ in ("MessagingTimeout", "MessageDeliveryFailure"):
        LOG.error("A message was not answered: %s", error)
        return 503, "A part of the cloud did not answer in time; try again in a moment.", "ServiceUnavailable"
    if _does_not_fit(error):
        LOG.error("The database does not take what a request says", exc_info=error)
        return 400, "A value in the request is too long or too large.", "BadRequest"
    LOG.exception("Unexpected error", exc_info=error)
    return (
        500,
        f"An unexpected error occurred; the log has the details under this request's id. ({type(error).__name__})",
        "InternalServerError",
    )


def _does_not_fit(error: BaseException) -> bool:
    """A value that no schema stopped and the column cannot hold; PostgreSQL's arrive as plain DBError."""
    return isinstance(error, db_exc.DBError) and type(error.inner_exception).__name__ == "DataError"
