# SPDX-License-Identifier: Apache-2.0
"""Looking into the tar of an image without trusting it.

There are two kinds: what ``docker save`` writes (``manifest.json`` beside layers,
https://docs.docker.com/reference/cli/docker/image/save/), and the files of one root file
system. Tars come from users: their sizes lie, their headers fill the memory, names climb out
of the folder they are unpacked in, and a saved image has names of its own, under which it would
replace other images of the host. Nothing is unpacked here, and what Docker is to load is
written anew without such names.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, cast

#: Largest header that describes another one, and largest manifest, in bytes.
_MOST_HEADER = 1 << 20

#: Files in one archive.
_MOST_MEMBERS = 2_000_000

_PIECE = 1 << 20

MANIFEST = "manifest.json"

#: What in a saved image gives names to images; the manifest does as well, and is written anew.
_NAMING = frozenset({MANIFEST, "repositories", "index.json", "oci-layout"})


#: Where /sbin/init is, also when /sbin is a link.
_INITS = frozenset({"sbin/init", "usr/sbin/init"})

#: Beginning of a file -> what uncompresses it; Docker looks at the same bytes.
_COMPRESSIONS = {b"\x1f\x8b\x08": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\0": lzma.LZMAFile}
_LONGEST_MAGIC = max(map(len, _COMPRESSIONS))

#: What reading a tar, or what it is compressed with, fails with.
_DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)


class BadArchive(Exception):
    """A tar that is not taken, and why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an archive."""

    #: Manifest of a saved image; None: the archive is a root file system.
    manifest: dict[str, Any] | None
    #: Bytes of its files together.
    size: int
    #: Whether a root file system has a first program.
    has_init: bool = False


class _Member(tarfile.TarInfo):
    """A member whose headers are of reasonable size: tarfile reads those of names and times into memory as a whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            member = super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            # For tarfile that is the end, unless it is the beginning.
            raise BadArchive(f"it is no tar, or damaged: {error}") from error
        if member.type in _DESCRIBING and member.size > _MOST_HEADER:
            raise BadArchive("it has a header of more than 1 MiB")
        if member.size < 0:
            raise BadArchive("it has a file of negative size")
        return member


_DESCRIBING = frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
)


def examine(path: Path, most: int) -> Contents:
    """Read an archive, compressed or not, from end to end.

    :param most: bytes that its files may have together
    :raises BadArchive:
    """
    manifest: bytes | None = None
    size = 0
    has_oci_index = has_init = False
    with _opened(path) as archive:
        for count, (name, member) in enumerate(_members(archive)):
            size += member.size
            if size > most:
                raise BadArchive(f"its files have more than {most} bytes together")
            if count >= _MOST_MEMBERS:
                raise BadArchive(f"it has more than {_MOST_MEMBERS} files")
            if name == MANIFEST and member.isreg():
                manifest = _content(archive, member)
            has_oci_index = has_oci_index or name == "oci-layout"
            has_init = has_init or name in _INITS
    if size == 0:
        raise BadArchive("it has no files")
    if manifest is None and has_oci_index:
        raise BadArchive("it is an OCI archive: make it with 'docker save', or 'skopeo copy … docker-archive:FILE'")
    return Contents(None if manifest is None else _read_manifest(manifest), size, has_init)


def renamed(path: Path, contents: Contents) -> Iterator[bytes]:
    """A saved image in pieces, as it is but for every name that it would have in Docker.

    :raises BadArchive:
    """
    assert contents.manifest is not None
    with _opened(path) as archive:
        for name, member in _members(archive):
            if name.partition("/")[0] in _NAMING or name == ".":
                continue
            yield from _written(archive, name, member)
    manifest = json.dumps([contents.manifest | {"RepoTags": None}]).encode()
    head = tarfile.TarInfo(MANIFEST)
    head.size = len(manifest)
    yield head.tobuf(tarfile.PAX_FORMAT)
    yield manifest
    yield _padding(head.size) + b"\0" * (2 * tarfile.BLOCKSIZE)


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with _uncompressed(path) as file, _as_stream(file) as archive:
            yield archive
    except _DAMAGE as error:
        raise BadArchive(f"it is no tar, or damaged: {error}") from error


def _as_stream(file: IO[bytes]) -> tarfile.TarFile:
    """Nothing is read twice. tarfile could uncompress as well, but stops where Docker would go on reading."""
    return tarfile.open(fileobj=file, mode="r|", tarinfo=_Member, errorlevel=1)


def _uncompressed(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(_LONGEST_MAGIC)
    for magic, opened in _COMPRESSIONS.items():
        if start.startswith(magic):
            return cast(IO[bytes], opened(path))
    return path.open("rb")


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Each file with its name, brought into one form."""
    while (member := archive.next()) is not None:
        # A stream keeps its members for a look back that nobody takes.
        archive.members = []  # type: ignore[attr-defined]  # typeshed does not know it
        yield _plain(member.name), member


def _plain(name: str) -> str:
    if "\0" in name or name.startswith("/") or ".." in name.split("/"):
        raise BadArchive(f"it has a file that is outside of it: {name[:200]!r}")
    return posixpath.normpath(name)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > _MOST_HEADER:
        raise BadArchive(f"its {MANIFEST} has more than 1 MiB")
    found = archive.extractfile(member)
    return b"" if found is None else found.read()


def _read_manifest(text: bytes) -> dict[str, Any]:
    try:
        images = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadArchive(f"its {MANIFEST} is no JSON: {error}") from error
    if not (isinstance(images, list) and all(isinstance(image, dict) for image in images)):
        raise BadArchive(f"its {MANIFEST} is no list of images")
    if len(images) != 1:
        raise BadArchive(f"it has {len(images)} images: save one image at a time")
    image: dict[str, Any] = images[0]
    layers = image.get("Layers")
    if not (isinstance(image.get("Config"), str) and isinstance(layers, list)):
        raise BadArchive(f"its {MANIFEST} has no Config or no Layers")
    for name in (image["Config"], *layers):
        if not isinstance(name, str) or _plain(name).partition("/")[0] in _NAMING:
            raise BadArchive(f"its {MANIFEST} names a file that cannot be in it")
    return image


def _written(archive: tarfile.TarFile, name: str, member: tarfile.TarInfo) -> Iterator[bytes]:
    copy = tarfile.TarInfo(name)
    copy.type, copy.mode, copy.mtime, copy.linkname = member.type, member.mode, int(member.mtime), member.linkname
    if not member.isreg():
        yield copy.tobuf(tarfile.PAX_FORMAT)
        return
    copy.type, copy.size = tarfile.REGTYPE, member.size
    yield copy.tobuf(tarfile.PAX_FORMAT)
    found = archive.extractfile(member)
    assert found is not None
    left = member.size
    while left and (piece := found.read(min(left, _PIECE))):
        left -= len(piece)
        yield piece
    if left:
        raise BadArchive("it ends within a file")
    yield _padding(member.size)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)
