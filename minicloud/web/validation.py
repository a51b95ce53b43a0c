# SPDX-License-Identifier: Apache-2.0
"""JSON Schema documents for bodies and queries, compiled once per microversion.

A property, or one of several alternatives, may carry ``"x-since": 26`` or ``"x-until": 36``
(minor numbers) and then exists only in that window, less the ``"x-gaps": [[37, 41]]``;
``"x-required-since": {"networks": 37}`` beside ``required`` adds to it.
The same documents make the API's description.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import fastjsonschema

from minicloud import exception

_SHOWN = 120


def _is(check: Callable[[str], Any]) -> Callable[[str], bool]:
    def valid(value: str) -> bool:
        try:
            return check(value) is not False
        except (ValueError, TypeError):
            return False

    return valid


def _name(value: str) -> bool:
    return bool(value.strip()) and value.isprintable()


#: Formats beside those of JSON Schema; each takes a string.
FORMATS: dict[str, Callable[[str], bool]] = {
    "uuid": _is(lambda value: str(UUID(value)).replace("-", "") == value.lower().replace("-", "")),
    "ipv4": _is(ipaddress.IPv4Address),
    "ipv6": _is(ipaddress.IPv6Address),
    "ip": _is(ipaddress.ip_address),
    "cidr": _is(lambda value: "/" in value and ipaddress.ip_network(value, strict=False)),
    "mac": lambda value: re.fullmatch(r"([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", value) is not None,
    "base64": lambda value: (
        re.fullmatch(r"(?:[A-Za-z0-9+/]{4}|\s)*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*", value) is not None
    ),
    "name": _name,
    "date-time": lambda value: _moment(value) is not None,
}


def _moment(value: str) -> Any:
    from minicloud.web.moments import parse

    return parse(value)


def refuse_nul(value: Any) -> None:
    """Refuse the one character that JSON knows and databases do not.

    :raises ValidationError: naming the field that has it
    """
    # Not by recursion: a body may be nested as deeply as Python's stack allows.
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        path, one = pending.pop()
        if isinstance(one, str) and "\0" in one:
            reason = "It has a NUL character."
            raise exception.ValidationError(
                f"Invalid input for field/attribute {path or 'body'}. {reason}", field=path, reason=reason
            )
        if isinstance(one, dict):
            pending += [(path, key) for key in one]
        if isinstance(one, dict | list):
            items = one.items() if isinstance(one, dict) else enumerate(one)
            pending += [(f"{path}.{key}" if path else str(key), item) for key, item in items]


def whole(minimum: int, maximum: int = 2**31 - 1) -> dict[str, Any]:
    """The schema of a whole number between two bounds, as a number or as text of digits."""
    name = f"whole number from {minimum} to {maximum}"
    FORMATS.setdefault(name, _is(lambda value: minimum <= int(value) <= maximum))
    # Text is as long as the bounds' digits with some zeros in front, so that int() stays cheap.
    return {
        "type": ["integer", "string"],
        "pattern": "^-?[0-9]+$" if minimum < 0 else "^[0-9]+$",
        "maxLength": 20,
        "format": name,
        "minimum": minimum,
        "maximum": maximum,
    }


class Schema:
    """One JSON Schema with windows of microversions in it."""

    def __init__(self, document: Mapping[str, Any], *, strict_since: int | None = None) -> None:
        """
        :param document: a JSON Schema (draft 7) for the whole body, or made by :func:`query`
        :param strict_since: for a query, the microversion from which unknown keys are refused
        """
        self.document = document
        self.strict_since = strict_since
        self._compiled: dict[int, Callable[[Any], Any]] = {}

    def at(self, version: int) -> dict[str, Any]:
        """The plain JSON Schema that holds at a microversion."""
        schema: dict[str, Any] = _resolve(self.document, version)
        if self.strict_since is not None:
            schema["additionalProperties"] = version < self.strict_since
        return schema

    def validate(self, value: Any, version: int = 0) -> None:
        """
        :raises ValidationError: naming the field, its value and the bound it breaks
        """
        check = self._compiled.get(version)
        if check is None:
            check = self._compiled[version] = _compile(self.at(version))
        try:
            check(value)
        except fastjsonschema.JsonSchemaValueException:
            raise _explain(self.at(version), value) from None


def query(properties: Mapping[str, Any], *, strict_since: int | None = 75) -> Schema:
    """A schema for a query string: each key's schema holds for every value given to it."""
    arrays = {
        key: {
            **{word: schema[word] for word in ("x-since", "x-until") if word in schema},
            "type": "array",
            "items": schema,
        }
        for key, schema in properties.items()
    }
    return Schema({"type": "object", "properties": arrays}, strict_since=strict_since)


def _resolve(node: Any, version: int) -> Any:
    if isinstance(node, list):
        return [_resolve(item, version) for item in node if _holds(item, version)]
    if not isinstance(node, Mapping):
        return node
    result = {key: _resolve(item, version) for key, item in node.items() if not key.startswith("x-")}
    if isinstance(node.get("properties"), Mapping):
        result["properties"] = {
            name: _resolve(schema, version) for name, schema in node["properties"].items() if _holds(schema, version)
        }
    if later := node.get("x-required-since"):
        result["required"] = [*node.get("required", ()), *(key for key, since in later.items() if since <= version)]
    return result


def _holds(schema: Any, version: int) -> bool:
    if not isinstance(schema, Mapping) or version == 0:
        return True
    if any(first <= version <= last for first, last in schema.get("x-gaps", ())):
        return False
    until = schema.get("x-until")
    return schema.get("x-since", 1) <= version and (until is None or version <= until)


def _compile(schema: dict[str, Any]) -> Callable[[Any], Any]:
    check: Callable[[Any], Any] = fastjsonschema.compile(
        {"$schema": "http://json-schema.org/draft-07/schema#", **schema}, formats=FORMATS, use_default=False
    )
    return check


def _explain(schema: dict[str, Any], value: Any) -> exception.ValidationError:
    """Word the error with the full library: slow, and only run for requests that fail."""
    import jsonschema

    validator = jsonschema.Draft7Validator(schema, format_checker=_format_checker())
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is None:
        return exception.ValidationError("Invalid input: the request does not match its schema.")
    field = ".".join(str(part) for part in error.absolute_path)
    if error.validator in ("additionalProperties", "required", "minProperties", "maxProperties"):
        reason = _cut(str(error.message), 300)
    else:
        reason = f"{_cut(repr(error.instance))} {_bound(error)}"
    return exception.ValidationError(
        f"Invalid input for field/attribute {field or 'body'}. {reason}", field=field, reason=reason
    )


def _bound(error: Any) -> str:
    limit = _cut(str(error.validator_value))
    words = {
        "type": f"is not of type {limit}",
        "minLength": f"is too short (at least {limit} characters)",
        "maxLength": f"is too long (at most {limit} characters)",
        "minimum": f"is less than the minimum of {limit}",
        "maximum": f"is greater than the maximum of {limit}",
        "pattern": f"does not match {limit}",
        "format": f"is not a valid {limit}",
        "enum": f"is not one of {limit}",
        "minItems": f"has too few items (at least {limit})",
        "maxItems": f"has too many items (at most {limit})",
        "uniqueItems": "has items that are not unique",
    }
    return words.get(error.validator, "is not valid under any of the forms that are allowed")


def _cut(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


@functools.cache
def _format_checker() -> Any:
    import jsonschema

    checker = jsonschema.FormatChecker(formats=())
    for name, check in FORMATS.items():
        checker.checks(name)(lambda value, check=check: not isinstance(value, str) or check(value))
    return checker
