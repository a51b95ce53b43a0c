# SPDX-License-Identifier: Apache-2.0
"""Running qemu-img and its like.

Formats are always said: a guest that writes another format's header to its raw disk must never
get a file of the host opened as the backing file that this header names.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from minicloud import exception
from minicloud.virt.driver import Cancelled

#: Seconds between two looks at whether the result is still wanted.
_LOOK = 0.2


def create(path: Path, disk_format: str, size: int | None, *, backing: tuple[Path, str] | None = None) -> None:
    """
    :param size: bytes; None: that of the backing file
    :param backing: a file and its format
    """
    over = [] if backing is None else ["-b", str(backing[0]), "-F", backing[1]]
    sizes = [] if size is None else [str(size)]
    run(["qemu-img", "create", "-q", "-f", disk_format, *over, str(path), *sizes])


def convert(
    source: Path, source_format: str, target: Path, target_format: str, cancelled: threading.Event | None = None
) -> None:
    run(
        ["qemu-img", "convert", "-U", "-f", source_format, "-O", target_format, str(source), str(target)],
        cancelled,
    )


def resize(path: Path, disk_format: str, size: int) -> None:
    run(["qemu-img", "resize", "-q", "-f", disk_format, str(path), str(size)])


def virtual_size(path: Path, disk_format: str) -> int:
    """Bytes that a guest sees, also while it runs."""
    found = run(["qemu-img", "info", "-U", "-f", disk_format, "--output", "json", str(path)])
    return int(json.loads(found)["virtual-size"])


def backing(path: Path, disk_format: str) -> tuple[Path, str] | None:
    """The file under a disk, and its format."""
    found = json.loads(run(["qemu-img", "info", "-U", "-f", disk_format, "--output", "json", str(path)]))
    name = found.get("backing-filename")
    return None if name is None else (Path(name), str(found["backing-filename-format"]))


def rebase(path: Path, disk_format: str, backing: tuple[Path, str]) -> None:
    """Say that the file under a disk, which holds the same, is another one now."""
    run(["qemu-img", "rebase", "-q", "-u", "-f", disk_format, "-b", str(backing[0]), "-F", backing[1], str(path)])


def run(command: Sequence[str], cancelled: threading.Event | None = None) -> str:
    """Run a program to its end, and give what it prints.

    :raises VirtError: when it fails
    :raises Cancelled: after ending it, when nobody wants the result any more
    """
    try:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            with subprocess.Popen(list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=errors) as process:
                _wait(process, cancelled)
            if process.returncode:
                errors.seek(0)
                words = errors.read(2000).decode(errors="replace").strip()
                raise exception.VirtError(reason=f"{command[0]} failed: {words}")
            output.seek(0)
            return output.read().decode(errors="replace")
    except OSError as error:
        raise exception.VirtError(reason=f"{command[0]} cannot be run: {error}") from error


def _wait(process: subprocess.Popen[bytes], cancelled: threading.Event | None) -> None:
    while True:
        try:
            process.wait(timeout=_LOOK if cancelled is not None else None)
            return
        except subprocess.TimeoutExpired:
            if cancelled is not None and cancelled.is_set():
                process.kill()
                raise Cancelled() from None
