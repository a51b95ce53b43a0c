# SPDX-License-Identifier: Apache-2.0
"""Runs Tempest against a cloud that it starts and removes again. See README.rst beside it.

Exits with 1 when a test of the list failed, was skipped, or did not run.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import subunit
import testtools

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PASSING = HERE / "passing.txt"

HEADER = """\
# Tests of Tempest that pass, and that CI keeps so. One name a line; written by
#     .venv/bin/python tests/tempest/run.py --record REGEX...
"""

#: Seconds until the cloud must answer.
START = 60.0

#: A class runs in one worker: what it sets up is for all its tests.
STESTR_CONF = """\
[DEFAULT]
test_path={tempest}/test_discover
top_dir={top}
group_regex=([^\\.]*\\.)*
"""

TEMPEST_CONF = """\
[DEFAULT]
log_file = {folder}/tempest.log
debug = {debug}

[oslo_concurrency]
lock_path = {folder}/locks

"""


@dataclass(frozen=True)
class Cloud:
    """A cloud of one process, and where it is."""

    folder: Path
    port: int
    hosts: int

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Running, with the tempest.conf for it."""
        with self.running():
            write_config(self.folder, self._config())
            yield

    def _config(self) -> str:
        from minicloud import conf as configuration
        from minicloud.cmd.commands import tempest_conf

        passwords = json.loads((self.state / "passwords.json").read_text())
        return tempest_conf.render(configuration.new(args=[], files=[]), self.url, passwords)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, wait until it answers, and end it afterwards."""
        command = [sys.executable, __file__, "--serve", str(self.state), str(self.port), str(self.hosts)]
        with (self.folder / "cloud.log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment())
        try:
            self._wait(process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START
        while not answers(f"{self.url}/compute/"):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"The cloud did not start:\n{(self.folder / 'cloud.log').read_text()[-5000:]}")
            time.sleep(0.1)


def serve(state: str, port: int, hosts: int) -> int:
    """Be the cloud: the whole of it in this process, with what it is unless configured."""
    from oslo_log import log

    from minicloud import conf as configuration
    from minicloud.cmd import all_in_one

    conf = configuration.new(args=[], files=[])
    conf.set_override("state_dir", state)
    log.setup(conf, "minicloud")
    return all_in_one.run(conf, all_in_one.Options("127.0.0.1", port, hosts))


def answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **more}


# --- Tempest ---


def write_config(folder: Path, text: str, *, debug: bool = False) -> None:
    """Make a folder one that stestr and Tempest work in.

    :param text: what the cloud says of itself
    :param debug: log all that is asked and answered, and what guests say that do not
    """
    spec = importlib.util.find_spec("tempest")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("Tempest is not installed here: ./run_tests.sh makes .venv, which has it.")
    tempest = Path(spec.submodule_search_locations[0])
    (folder / ".stestr.conf").write_text(STESTR_CONF.format(tempest=tempest, top=tempest.parent))
    (folder / "tempest.conf").write_text(TEMPEST_CONF.format(folder=folder, debug=debug) + text)


@contextmanager
def real_cloud(driver: str, folder: Path) -> Iterator[None]:
    """As :meth:`Cloud.prepared`, with guests that run."""
    from tests.tempest import real  # brings openstacksdk

    with real.cloud(driver, folder) as text:
        write_config(folder, text, debug=True)
        yield


def run_tempest(folder: Path, expressions: Iterable[str], concurrency: int) -> dict[str, str]:
    """Run what matches; name -> status. A class that could not be set up stands for its tests by its own name."""
    chosen = folder / "chosen"
    chosen.write_text("".join(f"{one}\n" for one in expressions))
    env = environment(TEMPEST_CONFIG_DIR=str(folder), TEMPEST_CONFIG="tempest.conf")
    stestr = [sys.executable, "-m", "stestr.cli"]
    subprocess.run(
        [*stestr, "run", "--concurrency", str(concurrency), "--include-list", str(chosen)],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    last = subprocess.run([*stestr, "last", "--subunit"], cwd=folder, env=env, stdout=subprocess.PIPE, check=False)
    return statuses(last.stdout)


def statuses(stream: bytes) -> dict[str, str]:

    found: dict[str, str] = {}

    def ended(test: dict[str, Any]) -> None:
        if test["status"] != "exists":
            found[bare(test["id"])] = test["status"]

    result = testtools.StreamToDict(ended)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(io.BytesIO(stream), non_subunit_name="stdout").run(result)
    result.stopTestRun()
    return found


def bare(test: str) -> str:
    """A test's name without its idempotent id and tags, which change between releases."""
    return test.partition("[")[0]


# --- the list ---


def listed(driver: str, *, only_core: bool) -> list[str]:
    """What must pass with a driver."""
    if driver == "fake":
        return read_list()
    from tests.tempest import real

    return real.read_list(driver, only_core=only_core)


def read_list() -> list[str]:
    if not PASSING.exists():
        return []
    return [line for line in PASSING.read_text().splitlines() if line and not line.startswith("#")]


def check(wanted: list[str], found: dict[str, str]) -> int:
    """Say what did not pass; the exit code."""
    wrong = {name: found.get(name, "not run") for name in wanted if found.get(name) != "success"}
    for name, status in sorted(wrong.items()):
        print(f"{status.upper()}: {name}")
    for name, status in sorted(found.items()):
        if name.startswith("setUpClass") and status != "success":
            print(f"{status.upper()}: {name}")
    print(f"Tempest: {len(wanted) - len(wrong)} of {len(wanted)} listed tests passed")
    return 1 if wrong or not wanted else 0


def record(expressions: list[str], found: dict[str, str]) -> int:
    """Put what passed on the list, and take off it what matches and did not pass."""
    before = set(read_list())
    again = {name for name in before if any(re.search(one, name) for one in expressions)}
    passed = {name for name, status in found.items() if status == "success"}
    after = (before - again) | passed
    for name in sorted(before - after):
        print(f"no longer passes: {name}")
    for name, status in sorted(found.items()):
        if status not in ("success", "skip"):
            print(f"does not pass: {name}")
    PASSING.write_text(HEADER + "".join(f"{name}\n" for name in sorted(after)))
    print(f"{PASSING}: {len(after)} tests, {len(after - before)} of them new")
    return 0


def main(argv: list[str]) -> int:
    if argv[:1] == ["--serve"]:
        return serve(argv[1], int(argv[2]), int(argv[3]))
    parser = argparse.ArgumentParser(description="Run Tempest against a cloud that is started for it.")
    parser.add_argument("regex", nargs="*", help="run these tests only (default: those of passing.txt)")
    parser.add_argument("--record", action="store_true", help="write those of the tests that pass to passing.txt")
    parser.add_argument(
        "--driver",
        choices=("fake", "libvirt", "docker"),
        default="fake",
        help="hypervisor; with a real one, which needs root, the tests of scenarios.txt (default: fake)",
    )
    parser.add_argument("--core", action="store_true", help="of scenarios.txt only what CI runs")
    parser.add_argument("--hosts", type=int, default=2, help="compute hosts of a fake cloud (default: 2)")
    parser.add_argument("--port", type=int, help="port of the cloud (default: any that is free)")
    parser.add_argument("--concurrency", type=int, default=2, help="workers of Tempest (default: 2)")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="work in this new folder and leave it, with all logs")
    args = parser.parse_args(argv)
    if args.record and args.driver != "fake":
        parser.error("--record is for the list of the fake driver: edit scenarios.txt by hand")
    # The cloud is on this machine, whatever proxy leads out of it; and it ends with us when we are told to.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "*"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    folder = args.keep.resolve() if args.keep else Path(tempfile.mkdtemp(prefix="minicloud-tempest-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = listed(args.driver, only_core=args.core)
    wanted = [name for name in names if not args.regex or any(re.search(one, name) for one in args.regex)]
    expressions = args.regex or [rf"^{re.escape(name)}(\[|$)" for name in wanted]
    try:
        with cloud_of(args, folder):
            found = run_tempest(folder, expressions, args.concurrency)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    if args.record:
        return record(args.regex or [""], found)
    return check(wanted, found)


def cloud_of(args: argparse.Namespace, folder: Path) -> AbstractContextManager[None]:
    """What the tests run against."""
    if args.driver == "fake":
        return Cloud(folder, args.port or free_port(), args.hosts).prepared()
    return real_cloud(args.driver, folder)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
