# SPDX-License-Identifier: Apache-2.0
"""The user's clouds.yaml: two entries of ours among everything else, which stays as it is.

The file is the user's, with comments, order and habits of its own, so it is edited as text
at the places the parser names. What comes out is parsed again and must differ from what was
there in our two entries alone; otherwise nothing is written.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

#: entry of clouds.yaml -> its user, who has a project of the same name
ENTRIES = {"minicloud": "demo", "minicloud-admin": "admin"}

#: Nobody has a clouds.yaml this large, in bytes.
_MAX_SIZE = 1 << 20


class CannotEdit(Exception):
    """A clouds.yaml is not such that our entries can be put into it; its text says why."""


def location() -> Path:
    """The user's clouds.yaml: ``$OS_CLIENT_CONFIG_FILE``, else the one in ``~/.config/openstack``."""
    return Path(os.environ.get("OS_CLIENT_CONFIG_FILE") or Path.home() / ".config" / "openstack" / "clouds.yaml")


def entries(url: str, passwords: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Our entries.

    :param url: of the cloud, without the path of a service
    :param passwords: by user
    """
    return {
        name: {
            "auth": {
                "auth_url": f"{url}/identity/v3",
                "username": user,
                "password": passwords[user],
                "project_name": user,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": "RegionOne",
            "identity_api_version": 3,
            "interface": "public",
        }
        for name, user in ENTRIES.items()
    }


def write_clouds_yaml(path: str | Path, url: str, passwords: Mapping[str, str]) -> None:
    """Put our entries into a clouds.yaml, made when it is missing; afterwards only its owner may read it.

    :raises CannotEdit: the file is left as it was
    """
    path = _target(path)
    before = _read(path)
    after = before
    # Each new one goes first, so the last written stands on top.
    for name, entry in reversed(entries(url, passwords).items()):
        after = _edited(after, name, entry)
    _write(path, after)


def remove_from_clouds_yaml(path: str | Path, passwords: Mapping[str, str]) -> list[str]:
    """Take our entries out of a clouds.yaml again, and the file if nothing else is in it.

    :param passwords: those of this cloud; an entry with another one is another cloud's
    :returns: the names that are gone
    :raises CannotEdit: the file is left as it was
    """
    path = _target(path)
    if not path.exists():
        return []
    text = _read(path)
    clouds = _parsed(text).get("clouds") or {}
    ours = [name for name, user in ENTRIES.items() if _password(clouds.get(name)) == passwords[user]]
    for name in ours:
        text = _edited(text, name, None)
    if ours and text.strip() == "clouds: {}":
        path.unlink()
    elif ours:
        _write(path, text)
    return ours


def _password(entry: Any) -> Any:
    auth = entry.get("auth") if isinstance(entry, dict) else None
    return auth.get("password") if isinstance(auth, dict) else None


# --- the file ---


def _target(path: str | Path) -> Path:
    """The file itself, where a link to it is kept among somebody's dotfiles."""
    return Path(os.path.realpath(path))


def _read(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CannotEdit(f"{path} is not a file")
        if status.st_size > _MAX_SIZE:
            raise CannotEdit(f"{path} is larger than {_MAX_SIZE} bytes")
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CannotEdit(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CannotEdit(f"{path} is not UTF-8 text") from None


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made for the owner alone before anything is in it, and never seen half written.
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".clouds-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
            if path.exists() and os.geteuid() == 0:
                owner = path.stat()
                os.chown(draft, owner.st_uid, owner.st_gid)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise CannotEdit(f"{path} cannot be written: {error.strerror}") from None


# --- the text ---


def _edited(text: str, name: str, entry: dict[str, Any] | None) -> str:
    """The text with an entry of ``clouds`` set, or removed when it is None.

    :raises CannotEdit:
    """
    before = _parsed(text)
    after = _apply(text, name, entry)
    try:
        found = _parsed(after)
    except CannotEdit:
        raise CannotEdit("its layout is too unusual to be edited") from None
    wanted = dict(before)
    wanted["clouds"] = {key: value for key, value in (before.get("clouds") or {}).items() if key != name}
    rest = dict(found)
    rest["clouds"] = dict(found.get("clouds") or {})
    if rest["clouds"].pop(name, None) != entry or _dump(rest) != _dump(wanted):
        raise CannotEdit("its layout is too unusual to be edited")
    return after


def _dump(data: dict[str, Any]) -> str:
    # Comparing the texts takes the size of the file; comparing the objects might not, with aliases in aliases.
    try:
        return str(yaml.safe_dump(dict(sorted(data.items(), key=lambda item: str(item[0]))), sort_keys=False))
    except RecursionError:
        raise CannotEdit("it is nested too deeply") from None


def _parsed(text: str) -> dict[Any, Any]:
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        # Dates that are none raise ValueError. The text of an error may quote a password: say only where.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise CannotEdit(f"it is not valid YAML{where}") from None
    except RecursionError:
        raise CannotEdit("it is nested too deeply") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise CannotEdit("it is not a mapping")
    if not isinstance(data.get("clouds"), dict | None):
        raise CannotEdit("its 'clouds' is not a mapping")
    return data


def _apply(text: str, name: str, entry: dict[str, Any] | None) -> str:
    eol = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += eol
    top = yaml.compose(text, Loader=yaml.SafeLoader)
    clouds = _find(top, "clouds")
    if clouds is None:
        column = top.value[0][0].start_mark.column if isinstance(top, yaml.MappingNode) and top.value else 0
        return text + _indented(f"clouds:\n{_block(name, entry, 2)}", column, eol)
    key, value = clouds
    if not isinstance(value, yaml.MappingNode) or not value.value:
        return _filled(text, key, value, _block(name, entry, key.start_mark.column + 2).replace("\n", eol))
    change = _change_flow if value.flow_style else _change_block
    return change(text, clouds, name, entry, eol)


def _find(node: Any, name: str) -> tuple[Any, Any] | None:
    """Key and value of a mapping's entry.

    :raises CannotEdit: when it is there twice
    """
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = [pair for pair in pairs if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == name]
    if len(found) > 1:
        raise CannotEdit(f"it has {name!r} more than once")
    return found[0] if found else None


def _filled(text: str, key: Any, value: Any, block: str) -> str:
    """Where ``clouds`` has no entries yet: nothing, ``{}``, ``null`` …"""
    eol = "\r\n" if "\r\n" in text else "\n"
    start, end = value.start_mark.index, value.end_mark.index
    if text[start:end].strip() not in ("", "{}", "null", "~", "Null", "NULL"):
        raise CannotEdit("its layout is too unusual to be edited")
    rest = text[end:] if text[start:end].strip() else text[key.end_mark.index + 1 :]
    head = text[: key.end_mark.index] + ":"
    line, newline, after = rest.partition("\n")
    return head + line.rstrip("\r") + (eol if newline else eol) + block + after


def _change_flow(text: str, clouds: tuple[Any, Any], name: str, entry: dict[str, Any] | None, eol: str) -> str:
    """``clouds: {a: {…}, b: {…}}``, which JSON is too."""
    mapping = clouds[1]
    found = _find(mapping, name)
    written = json.dumps(entry)
    if found is None:
        at = mapping.start_mark.index + 1
        return f"{text[:at]}{json.dumps(name)}: {written}, {text[at:]}"
    key, value = found
    if entry is not None:
        return text[: value.start_mark.index] + written + text[value.end_mark.index :]
    after = text[value.end_mark.index :]
    if after.lstrip().startswith(","):
        return text[: key.start_mark.index] + after.lstrip()[1:].lstrip(" ")
    before = text[: key.start_mark.index].rstrip()
    return before.removesuffix(",") + after


def _change_block(text: str, clouds: tuple[Any, Any], name: str, entry: dict[str, Any] | None, eol: str) -> str:
    """An entry per indented block of lines."""
    lines = text.splitlines(keepends=True)
    if len(lines) != text.count("\n"):
        raise CannotEdit("it has line ends of several kinds")
    mapping = clouds[1]
    column = mapping.value[0][0].start_mark.column
    block = _block(name, entry, column).replace("\n", eol)
    found = _find(mapping, name)
    if found is None:
        # Right under "clouds:", so that a comment above the first entry stays with it.
        at = clouds[0].end_mark.line + 1
        return "".join((*lines[:at], block, *lines[at:]))
    first, last = found[0].start_mark.line, _last_line(found[1])
    if entry is None and len(mapping.value) == 1:
        start = clouds[0].end_mark
        lines[start.line] = lines[start.line][: start.column] + ": {}" + lines[start.line][start.column + 1 :]
    return "".join((*lines[:first], block, *lines[last + 1 :]))


def _last_line(node: Any) -> int:
    """The last line of a node; a mapping's own end mark lies beyond the comments after it."""
    if not node.flow_style if isinstance(node, yaml.CollectionNode) else False:
        children = node.value[-1] if isinstance(node, yaml.MappingNode) else node.value[-1:]
        return max((_last_line(child) for child in children), default=node.start_mark.line)
    end = node.end_mark
    is_beyond = end.column == 0 and end.line > node.start_mark.line
    return int(end.line - 1 if is_beyond else end.line)


def _block(name: str, entry: dict[str, Any] | None, column: int) -> str:
    if entry is None:
        return ""
    return _indented(yaml.safe_dump({name: entry}, sort_keys=False, width=1000), column, "\n")


def _indented(text: str, column: int, eol: str) -> str:
    return "".join(f"{' ' * column}{line}{eol}" for line in text.splitlines())
