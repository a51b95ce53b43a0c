# SPDX-License-Identifier: Apache-2.0
"""A cloud whose two hosts are not where its API is: programs of their own, met over RabbitMQ."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import subprocess
import threading
from pathlib import Path
from typing import Any

import openstack

from minicloud import conf as configuration
from minicloud.cmd import first_start
from minicloud.cmd.parts import Parts, close
from tests.functional import backends
from tests.functional.cloud import _READY, Cloud, Options, Process
from tests.integration.guests import hosts
from tests.integration.guests.cloud import until
from tests.integration.guests.hosts import Machine

_CONTROLLERS = ("conductor", "scheduler", "network", "api")
_BESIDE = ("compute", "network_agent")


class SpreadCloud(Cloud):
    """Controllers on this machine, ``h1`` and ``h2`` in namespaces."""

    def __init__(self, options: dict[str, dict[str, str]], instances: str) -> None:
        """
        :param options: of all programs
        :param instances: ``[libvirt] instances_path`` under this cloud's folder, with ``{host}`` where each has its own
        """
        super().__init__()
        self._given = options
        self._instances = instances
        self._secret = secrets.token_hex(16)
        self.folder.chmod(0o755)  # dnsmasq, which is not root, reads files below
        self.machines = {
            name: Machine(name, f"198.51.100.{number}", self.folder / name)
            for number, name in enumerate(("h1", "h2"), start=1)
        }

    def close(self) -> None:
        """The hosts first, which would miss the others."""
        for machine in self.machines.values():
            machine.kill()
        super().close()

    @property
    def hosts(self) -> dict[str, str]:
        return {name: f"compute-{name}" for name in self.machines}

    def start(self) -> None:
        transports = backends.virtual_hosts(("top", "cell1"), self._cleanup)
        machines = threading.Thread(target=self._start_machines)
        machines.start()
        common: Options = {
            "DEFAULT": {
                "transport_url": transports["top"],
                "rpc_response_timeout": "60",
                "report_interval": "2",
                "service_down_time": "12",
                "use_stderr": "true",
            },
            "cells": {"name": "cell1", "transport_url": transports["cell1"]},
            "network": {"driver": "agent.AgentDriver"},
            "metadata": {"proxy_shared_secret": self._secret},
            "conductor": {"reconcile_interval": "2"},
        }
        base = (common, self._base(), self._given)
        path = self._write("first", *base)
        parts = Parts(configuration.new(files=[str(path)]))
        first_start.prepare(parts, self.passwords)
        close(parts)
        for program in _CONTROLLERS:
            self.processes[program] = self._program(program, program, path)
        broker = int(backends.BROKER.rsplit(":", 1)[1])
        machines.join()
        for name, machine in self.machines.items():
            for port in (broker, self.port):
                machine.bring(port)
            path = self._write(name, *base, self._of_host(machine))
            for program in _BESIDE:
                self.processes[f"{program}-{name}"] = self._program(program, f"{program}-{name}", path, machine)
        for process in self.processes.values():
            process.start()
        for process in self.processes.values():
            process.wait_until_ready(_READY)
        until(lambda: self.hosts_up() == len(self.machines), "all hosts up", 90)

    def _start_machines(self) -> None:
        hosts.start(list(self.machines.values()))

    def _program(self, program: str, name: str, path: Path, machine: Machine | None = None) -> Process:
        command = [f"minicloud.cmd.services.{program}", "--config-file", str(path)]
        where = [] if machine is None else machine.command()
        return Process(name, command, self.folder / f"{name}.log", where)

    def _of_host(self, machine: Machine) -> Options:
        return {
            "DEFAULT": {
                "host": machine.name,
                "state_dir": str(machine.folder / "state"),
                "compute_driver": "libvirt.LibvirtDriver",
            },
            "libvirt": {
                "virt_type": "qemu",
                "instances_path": str(self.folder / self._instances.format(host=machine.name)),
                "live_migration_inbound_addr": machine.address,
            },
            "network": {"tunnel_ip": machine.address},
            "service_auth": {"password": self.passwords["minicloud"]},
        }

    def kill_host(self, name: str) -> None:
        """As when its power is cut."""
        self.machines[name].kill()
        for program in _BESIDE:
            self.processes.pop(f"{program}-{name}").kill()

    def kill_compute(self, name: str) -> None:
        """As ``kill -9`` does it; the guests and libvirt stay."""
        self.machines[name].run("pkill", "-KILL", "-f", "minicloud.cmd.services.compute ")
        self.processes[f"compute-{name}"].kill()

    def start_compute(self, name: str) -> None:
        process = self.processes[f"compute-{name}"]
        process.start()
        process.wait_until_ready(_READY)

    def claims(self) -> set[tuple[str, str]]:
        """(consumer, host) of all that is claimed."""
        query = """SELECT consumer_uuid, host FROM allocations JOIN resource_providers
                   ON resource_providers.uuid = allocations.provider_uuid"""
        with contextlib.closing(sqlite3.connect(self.folder / "api.sqlite")) as database:
            return {(row[0], row[1]) for row in database.execute(query)}

    def log(self) -> str:
        """The last words of every program."""
        found = []
        for path in sorted(self.folder.glob("*.log")):
            found.append(f"=== {path.stem}\n{path.read_text(errors='replace')[-6000:]}")
        return "\n".join(found)

    def connect(self, user: str) -> Any:
        """openstacksdk, as a user of that name in the project of that name."""
        return openstack.connect(
            auth_url=f"{self.url}/identity/v3",
            username=user,
            password=self.passwords[user],
            project_name=user,
            user_domain_id="default",
            project_domain_id="default",
            compute_api_version="2.96",
            load_yaml_config=False,
            load_envvars=False,
        )

    def make_key(self) -> str:
        """A new key of the user's; its public half."""
        self.key = self.folder / "key"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return self.key.with_suffix(".pub").read_text()

    def dhcp(self, network_id: str) -> Machine:
        """The host that has the DHCP server of a network, whose namespace reaches the network's guests."""

        def found() -> Machine | None:
            for machine in self.machines.values():
                if machine.is_alive and f"mcdhcp-{network_id}" in (machine.run("ip", "netns") or ""):
                    return machine
            return None

        machine = until(found, "a DHCP server", 60)
        assert machine is not None
        return machine

    def ssh(self, network_id: str, address: str, command: str) -> str | None:
        """What a command in a guest prints; None when the guest does not let us in."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=5", "BatchMode=yes",
                   "LogLevel=ERROR")  # fmt: skip
        line = [
            "ssh",
            "-i",
            str(self.key),
            *[part for one in options for part in ("-o", one)],
            f"root@{address}",
            command,
        ]
        said = self.dhcp(network_id).run(*line, network=f"mcdhcp-{network_id}", timeout=20)
        return None if said is None else said.strip()
