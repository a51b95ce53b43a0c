# SPDX-License-Identifier: Apache-2.0
"""The processes under test: start them, ask the kernel what they use, stop them."""

from __future__ import annotations

import abc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import counters
from minicloud.cmd import credentials

_TICK = os.sysconf("SC_CLK_TCK")

#: Room for a thousand of the smallest servers, whatever the ratios are.
CONFIG = """\
[DEFAULT]
state_dir = {state}
log_file = {state}/{name}.log
use_stderr = False
[fake]
vcpus = 4096
memory_mb = 4194304
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One program, and what the kernel knows of it."""

    def __init__(self, command: list[str], folder: Path, name: str) -> None:
        """
        :param command: a module and its arguments
        :param folder: where its output and its counts go
        """
        self.name = name
        self._output = folder / f"{name}.out"
        self._counts = folder / f"{name}.counts.json"
        environment = {**os.environ, counters.VARIABLE: str(self._counts)}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for the benchmark, which still needs the cloud to take back what was made.
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def terminate(self) -> None:
        """Ask it to end; :meth:`wait` sees to it."""
        if self.runs:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Until it has ended, by force after so long."""
        try:
            self._process.wait(max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_seconds(self) -> float:
        """Processor time of all its threads so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def memory_mb(self) -> float:
        """Resident set in MB."""
        return self._megabytes("VmRSS")

    def most_memory_mb(self) -> float:
        """The largest that the resident set was, in MB."""
        return self._megabytes("VmHWM")

    def _megabytes(self, name: str) -> float:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"the kernel does not tell {name}")

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self._process.pid}/task").iterdir()))

    def counts(self) -> dict[str, int]:
        """The counters as they are now."""
        self._counts.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        for _ in range(500):
            if self._counts.exists():
                found: dict[str, int] = json.loads(self._counts.read_text())
                return found
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} wrote no counts")


class Cloud(abc.ABC):
    """A cloud on a free port, with its state in a directory of its own."""

    #: What the floors are measured on, where it is not what one process uses.
    transport_url: str | None = None
    database_url: str | None = None
    #: What there is before the first start.
    FRESH: ClassVar[str]
    #: Seconds that what was asked for may take to end when nobody looks.
    SETTLE: ClassVar[float]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.state = folder / "state"
        self.state.mkdir(mode=0o700, parents=True)
        self._processes: list[Process] = []

    @abc.abstractmethod
    def _commands(self) -> dict[str, list[str]]:
        """Module and arguments of each program, by its name."""

    def start(self, deadline: float = 60.0) -> float:
        """
        :returns: seconds from exec until the cloud can be used
        :raises RuntimeError: when it cannot
        """
        commands = self._commands()
        began = time.monotonic()
        self._processes = [Process(command, self.folder, name) for name, command in commands.items()]
        while time.monotonic() < began + deadline and all(one.runs for one in self._processes):
            if self._answers() and self._is_whole():
                return time.monotonic() - began
            time.sleep(0.02)
        self.stop()
        outputs = [f"{one.name}: {one.output()[-2000:]}" for one in self._processes]
        raise RuntimeError("The cloud did not start.\n" + "\n".join(outputs))

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/compute/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _is_whole(self) -> bool:
        """Whether all of it is there once the API answers."""
        return True

    def stop(self) -> None:
        for one in self._processes:
            one.terminate()
        deadline = time.monotonic() + 20
        for one in self._processes:
            one.wait(deadline - time.monotonic())

    @property
    def admin_password(self) -> str:
        return credentials.load_or_create(self.state)["admin"]

    def cpu_seconds(self) -> float:
        """Processor time of all its processes so far."""
        return sum(one.cpu_seconds() for one in self._processes)

    def memory_mb(self) -> float:
        """Resident sets in MB; pages that processes share count in each."""
        return sum(one.memory_mb() for one in self._processes)

    def most_memory_mb(self) -> float:
        """The largest that the resident sets were, in MB."""
        return sum(one.most_memory_mb() for one in self._processes)

    def threads(self) -> int:
        return sum(one.threads() for one in self._processes)

    def counts(self) -> dict[str, int]:
        """The counters as they are now, summed up."""
        total: Counter[str] = Counter()
        for one in self._processes:
            total.update(one.counts())
        return dict(total)

    def close(self) -> None:
        """Stop it, and remove what was made for it outside of its directory."""
        self.stop()

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, *_error: Any) -> None:
        self.close()


class OneProcess(Cloud):
    """``local://`` and SQLite: the default."""

    FRESH = "empty directory"
    SETTLE = 1.0

    def _commands(self) -> dict[str, list[str]]:
        config = self.folder / "minicloud.conf"
        config.write_text(CONFIG.format(state=self.state, name="minicloud"))
        return {"minicloud": ["benchmarks.cloud", str(config), str(self.port)]}
