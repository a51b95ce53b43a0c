# SPDX-License-Identifier: Apache-2.0
"""Options, contexts, and what happens when the broker is away."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import testtools

from minicloud import conf as options
from minicloud import context, exception
from minicloud.rpc import base
from tests.unit.rpc import suite
from tests.unit.rpc.test_rpc import Endpoint, ThingStub


class TestOptions(testtools.TestCase):
    def test_ours_and_the_library_share_options(self) -> None:
        """Two configurations in one process, each with its own values, seen by oslo.messaging."""
        for workers in (2, 3):
            conf = options.new(files=[])
            conf.set_override("executor_thread_pool_size", workers)
            transport = base.get_transport(conf, suite.local_url())
            self.addCleanup(transport.cleanup)
            server = base.Server(transport, "thing", "one", [Endpoint("one")])
            server.start()
            self.addCleanup(server.stop)
            self.assertEqual(workers, server._server._work_executor._max_workers)
            self.assertEqual("one", ThingStub(transport).call(context.admin(), "note", what=1))

    def test_defaults(self) -> None:
        conf = options.new(files=[])
        transport = base.get_transport(conf)
        self.addCleanup(transport.cleanup)
        self.assertTrue(base.is_local(transport))
        self.assertEqual(16, conf.executor_thread_pool_size)
        self.assertFalse(conf.oslo_messaging_metrics.metrics_enabled)

    def test_a_file_sets_them(self) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "x.conf"
            path.write_text(
                "[DEFAULT]\nrpc_response_timeout = 7\n[oslo_messaging_rabbit]\nrabbit_quorum_queue = false\n"
            )
            conf = options.new(files=[str(path)])
            transport = base.get_transport(conf, suite.local_url())
            self.addCleanup(transport.cleanup)
            self.assertEqual(7, ThingStub(transport)._timeout)
            self.assertFalse(conf.oslo_messaging_rabbit.rabbit_quorum_queue)


class TestContext(testtools.TestCase):
    def test_round_trip(self) -> None:
        ctxt = context.RequestContext(
            auth_token="secret",
            user_id="u",
            project_id="p",
            roles=["admin", "member"],
            is_admin=True,
            overwrite=False,
            service_roles=["service"],
            global_request_id="req-g",
            project_domain_id="d",
            user_name="Ann",
        )
        values = ctxt.to_message()
        self.assertNotIn("secret", str(values))
        back = context.from_message({**values, "from_a_newer_release": 1})
        self.assertEqual({**ctxt.to_dict(), "auth_token": None}, back.to_dict())
        self.assertEqual(["service"], back.service_roles)


class TestBrokerAway(testtools.TestCase):
    """Nobody listens at the broker's port."""

    def setUp(self) -> None:
        super().setUp()
        for noisy in ("oslo_messaging", "amqp", "oslo.messaging._drivers.impl_rabbit"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        transport = base.get_transport(suite.new_conf(), f"rabbit://guest:guest@127.0.0.1:{port}/")
        # No cleanup(): it would wait for the connection that is still being tried.
        self.stub = ThingStub(transport, timeout=1)

    def test_call_and_cast_come_back_in_time(self) -> None:
        for send in (self.stub.call, self.stub.cast):
            began = time.monotonic()
            self.assertRaises(exception.ServiceUnavailable, send, context.admin(), "note", what=1)
            self.assertLess(time.monotonic() - began, 3)
