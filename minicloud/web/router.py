# SPDX-License-Identifier: Apache-2.0
"""From method and path to the operation: a tree of path segments made from the table."""

from __future__ import annotations

from collections.abc import Iterable

from minicloud import exception
from minicloud.web.operation import Operation


class _Node:
    __slots__ = ("children", "name", "operations", "parameter")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.name = ""
        self.operations: dict[str, list[Operation]] = {}


class Router:
    """Finds operations; literal segments win over parameters."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        node = self._root
        for segment in _segments(operation.path):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
                node.name = node.name or segment[1:-1]
                if node.name != segment[1:-1]:
                    raise ValueError(f"{operation.path}: this segment is already called {{{node.name}}}")
            else:
                node = node.children.setdefault(segment, _Node())
        node.operations.setdefault(operation.method, []).append(operation)

    def find(self, method: str, path: str, version: int = 0) -> tuple[Operation, dict[str, str]]:
        """The operation and its path parameters.

        :raises NotFound: for an unknown path, or one not valid at this microversion
        :raises MethodNotAllowed: for a known path without this method
        """
        parameters: dict[str, str] = {}
        node = self._walk(_segments(path), parameters)
        if node is None or not node.operations:
            raise exception.NotFound()
        candidates = node.operations.get(method) or (node.operations.get("GET") if method == "HEAD" else None)
        if not candidates:
            raise exception.MethodNotAllowed(method=method)
        for operation in candidates:
            if version == 0 or operation.valid_at(version):
                return operation, parameters
        raise exception.VersionNotFoundForAPIMethod(version=f"2.{version}")

    def _walk(self, segments: list[str], parameters: dict[str, str]) -> _Node | None:
        node = self._root
        for segment in segments:
            if (child := node.children.get(segment)) is None:
                if (child := node.parameter) is None:
                    return None
                parameters[child.name] = segment
            node = child
        return node


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
