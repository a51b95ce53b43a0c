# SPDX-License-Identifier: Apache-2.0
"""The files that browsers get: our pages, and the libraries that they find on this machine.

Nothing of other projects is kept with ours: noVNC and xterm.js are wherever a package
manager puts them, and a page says so when they are not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oslo_config import cfg

_STATIC: Final = Path(__file__).parent / "static"

#: What a browser is told of files with these ends; others are not served.
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_GLOBAL: Final = ("/usr/local/lib/node_modules", "/usr/lib/node_modules", "/usr/share/nodejs")


@dataclass(frozen=True, slots=True)
class Library:
    """Something of others that a page needs."""

    #: Its prefix in URLs.
    name: str
    #: The file by which its folder is known.
    mark: str
    #: Where it may be, the first one wins.
    places: tuple[Path, ...]

    def folder(self) -> Path | None:
        """Looked for each time: it may be installed while we run."""
        return next((place for place in self.places if (place / self.mark).is_file()), None)


def novnc(conf: cfg.ConfigOpts) -> Library:
    local = Path(conf.state_dir)
    found = (
        local / "novnc",
        local / "node_modules/@novnc/novnc",
        Path("/usr/share/novnc"),
        *(Path(place) / "@novnc/novnc" for place in _GLOBAL),
    )
    return Library("novnc", "core/rfb.js", _places(conf.vnc.novnc_path, found))


def xterm(conf: cfg.ConfigOpts) -> Library:
    local = Path(conf.state_dir)
    found = (
        local / "xterm",
        local / "node_modules/@xterm/xterm",
        *(Path(place) / "@xterm/xterm" for place in _GLOBAL),
    )
    return Library("xterm", "lib/xterm.js", _places(conf.serial_console.xterm_path, found))


def _places(chosen: str, usual: Iterable[Path]) -> tuple[Path, ...]:
    return (Path(chosen),) if chosen else tuple(usual)


@dataclass(frozen=True, slots=True)
class Pages:
    """What one proxy serves."""

    #: The file in our folder that is the page.
    page: str
    library: Library
    #: Paths of the page, beside /.
    names: tuple[str, ...] = ()

    def find(self, path: str) -> Path | None:
        """The file of a path; None when there is none, or it is none of anybody's business."""
        if path == "/" or path.strip("/") in self.names:
            return _STATIC / self.page
        first, _, rest = path.lstrip("/").partition("/")
        root = {"static": _STATIC, self.library.name: self.library.folder()}.get(first)
        if root is None or "\0" in rest:
            return None
        # A link may lead out of the folder, and the folder may be one.
        file = (root / rest).resolve()
        is_inside = file.is_relative_to(root.resolve())
        return file if is_inside and file.is_file() and file.suffix in TYPES else None
