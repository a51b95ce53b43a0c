# SPDX-License-Identifier: Apache-2.0
"""The identity service's errors that need a word more than the shared ones."""

from __future__ import annotations

from minicloud import exception


class RecordNotFound(exception.NotFound):
    """``kind`` is the resource's name in the API."""

    template = "Could not find {kind}: {id}."


class DuplicateRecord(exception.Conflict):
    template = "Conflict occurred attempting to store {kind}: there is one with {what} already."


class ImmutableRecord(exception.Forbidden):
    template = "Cannot change or delete the {kind} {id}: it is immutable."
