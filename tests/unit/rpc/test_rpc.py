# SPDX-License-Identifier: Apache-2.0
"""RPC as the services use it: one suite, on ``local://`` and on a real RabbitMQ."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, ClassVar

import oslo_messaging as messaging
import testtools
from oslo_context import context as oslo_context

from minicloud import context, exception
from minicloud.objects import Fault, Flavor, Instance
from minicloud.rpc import base
from tests.unit.rpc import suite

MOMENT = datetime(2026, 3, 4, 5, 6, 7, 89)


def an_instance() -> Instance:
    flavor = Flavor(flavorid="1", name="m1.tiny", memory_mb=512, vcpus=1, root_gb=1)
    fault = Fault(code=500, message="it broke", created_at=MOMENT)
    return Instance(
        uuid=str(uuid.uuid4()),
        project_id="p",
        user_id="u",
        display_name="näme",
        vm_state="active",
        flavor=flavor,
        fault=fault,
        tags=("a", "b"),
        metadata={"k": "v"},
        created_at=MOMENT,
    )


class ForeignError(Exception):
    """Of a module that is not allowed to be rebuilt at the caller."""


class Endpoint:
    """Remembers what it was asked."""

    target = messaging.Target(version="1.3")

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[Any] = []
        self.arrived = threading.Semaphore(0)
        self.gate = threading.Event()
        self.begun = threading.Event()

    def note(self, ctxt: context.RequestContext, what: Any) -> str:
        self.seen.append(what)
        self.arrived.release()
        return self.name

    def echo(self, ctxt: context.RequestContext, what: Any) -> Any:
        return what

    def who(self, ctxt: context.RequestContext) -> dict[str, Any]:
        current = oslo_context.get_current()
        return {
            "request": ctxt.request_id,
            "logged": current.request_id if current else None,
            "roles": ctxt.roles,
            "project": ctxt.project_id,
            "token": ctxt.auth_token,
            "name": ctxt.user_name,
        }

    @base.expected(exception.InstanceNotFound)
    def missing(self, ctxt: context.RequestContext) -> None:
        raise exception.InstanceNotFound(instance_id="42")

    def refused(self, ctxt: context.RequestContext) -> None:
        raise exception.UnexpectedState(instance_uuid="42", expected=["a"], actual="b")

    def broken(self, ctxt: context.RequestContext) -> None:
        raise ZeroDivisionError("surprise")

    def unknown(self, ctxt: context.RequestContext) -> None:
        raise ForeignError("surprise")

    def wait(self, ctxt: context.RequestContext) -> str:
        self.begun.set()
        self.gate.wait(20)
        self.seen.append("waited")
        return "done"

    def _secret(self, ctxt: context.RequestContext) -> str:
        return "secret"


class ThingStub(base.Stub):
    TOPIC = "thing"
    VERSION = "1.3"


class NewerStub(base.Stub):
    TOPIC = "thing"
    VERSION = "1.4"


class Suite:
    """What holds on every transport; a subclass says which."""

    url: str
    other_url: str

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]  # of the test case beside it
        for noisy in ("oslo_messaging", "amqp"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self.ctxt = context.RequestContext(
            user_id="u", user_name="Ann", project_id="p", roles=["member"], auth_token="s3cret", overwrite=False
        )
        self.topic = f"thing-{uuid.uuid4().hex[:8]}"
        self.transport = self.new_transport(self.url)

    def new_transport(self, url: str) -> Any:
        transport = base.get_transport(suite.new_conf(), url)
        self.addCleanup(transport.cleanup)
        return transport

    def serve(self, name: str, transport: Any = None) -> Endpoint:
        endpoint = Endpoint(name)
        server = base.Server(transport or self.transport, self.topic, name, [endpoint])
        server.start()
        self.addCleanup(server.stop)
        self.addCleanup(endpoint.gate.set)
        self.server = server
        return endpoint

    def stub(self, cls: type[base.Stub] = ThingStub, transport: Any = None, **options: Any) -> base.Stub:
        one = type(cls.__name__, (cls,), {"TOPIC": self.topic})
        return one(transport or self.transport, **options)

    def test_call_answers(self) -> None:
        self.serve("one")
        self.assertEqual({"a": [1, None, "x"]}, self.stub().call(self.ctxt, "echo", what={"a": (1, None, "x")}))

    def test_structs_round_trip(self) -> None:
        self.serve("one")
        instance = an_instance()
        back = self.stub().call(self.ctxt, "echo", what=[{"i": instance}])
        self.assertEqual([{"i": instance}], back)
        self.assertEqual(MOMENT, back[0]["i"].fault.created_at)

    def test_context_travels_without_its_token(self) -> None:
        self.serve("one")
        seen = self.stub().call(self.ctxt, "who")
        self.assertEqual(
            {
                "request": self.ctxt.request_id,
                "logged": self.ctxt.request_id,
                "roles": ["member"],
                "project": "p",
                "token": None,
                "name": "Ann",
            },
            seen,
        )

    def test_casts_go_to_servers_in_turn(self) -> None:
        one, two = self.serve("one"), self.serve("two")
        one.arrived = two.arrived = threading.Semaphore(0)
        stub = self.stub()
        for number in range(10):
            stub.cast(self.ctxt, "note", what=number)
            # A server with more than its share in hand would be passed over.
            self.assertTrue(one.arrived.acquire(timeout=10))
        self.assertEqual((5, 5), (len(one.seen), len(two.seen)))
        self.assertEqual(list(range(10)), sorted(one.seen + two.seen))

    def test_fanout_reaches_all(self) -> None:
        one, two = self.serve("one"), self.serve("two")
        self.stub().cast(self.ctxt, "note", fanout=True, what="all")
        for endpoint in (one, two):
            self.assertTrue(endpoint.arrived.acquire(timeout=10))
            self.assertEqual(["all"], endpoint.seen)

    def test_a_server_can_be_named(self) -> None:
        self.serve("one")
        self.serve("two")
        names = [self.stub().call(self.ctxt, "note", server="two", what=1) for _ in range(3)]
        self.assertEqual(["two"] * 3, names)

    def test_a_server_that_comes_back_gets_what_was_cast(self) -> None:
        self.serve("late")
        self.server.stop()
        self.assert_kept()

    def assert_kept(self) -> None:
        self.stub().cast(self.ctxt, "note", server="late", what="early")
        self.stub().cast(self.ctxt, "note", what="anyone")
        late = self.serve("late")
        for _ in range(2):
            self.assertTrue(late.arrived.acquire(timeout=10))
        self.assertEqual({"early", "anyone"}, set(late.seen))

    def test_newer_version_is_refused_by_the_server(self) -> None:
        self.serve("one")
        self.assertRaises(messaging.UnsupportedVersion, self.stub(NewerStub).call, self.ctxt, "echo", what=1)

    def test_version_cap_is_refused_by_the_stub(self) -> None:
        stub = self.stub(version_cap="1.2")
        self.assertRaises(messaging.RPCVersionCapError, stub.call, self.ctxt, "echo", what=1)
        self.assertRaises(messaging.RPCVersionCapError, stub.cast, self.ctxt, "echo", what=1)

    def test_private_methods_are_refused(self) -> None:
        self.serve("one")
        self.assertRaises(messaging.NoSuchMethod, self.stub().call, self.ctxt, "_secret")

    def test_no_server_means_no_answer(self) -> None:
        began = time.monotonic()
        error = self.assertRaises(base.NoAnswer, self.stub(timeout=1).call, self.ctxt, "echo", what=1)
        self.assertLess(time.monotonic() - began, 3)
        self.assertIsInstance(error, messaging.MessagingTimeout)
        self.assertEqual(503, error.code)

    def test_a_call_nobody_waits_for_is_not_executed(self) -> None:
        self.assertRaises(base.NoAnswer, self.stub(timeout=1).call, self.ctxt, "note", what="stale")
        time.sleep(0.2)
        late = self.serve("late")
        self.assertEqual("late", self.stub().call(self.ctxt, "note", what="fresh"))
        self.assertEqual(["fresh"], late.seen)

    def test_expected_errors_keep_class_code_and_details(self) -> None:
        self.serve("one")
        error = self.assertRaises(exception.InstanceNotFound, self.stub().call, self.ctxt, "missing")
        self.assertIs(exception.InstanceNotFound, type(error))
        self.assertEqual(404, error.code)
        self.assertEqual({"instance_id": "42"}, error.details)
        self.assertEqual("Instance 42 could not be found.", str(error))

    def test_unexpected_errors_of_ours_keep_their_class(self) -> None:
        self.serve("one")
        error = self.assertRaises(exception.UnexpectedState, self.stub().call, self.ctxt, "refused")
        self.assertEqual({"instance_uuid": "42", "expected": ["a"], "actual": "b"}, error.details)
        self.assertIn("Traceback", str(error.__cause__))

    def test_foreign_errors_arrive(self) -> None:
        self.serve("one")
        self.assertRaises(ZeroDivisionError, self.stub().call, self.ctxt, "broken")
        error = self.assertRaises(messaging.RemoteError, self.stub().call, self.ctxt, "unknown")
        self.assertEqual("ForeignError", error.exc_type)

    def test_virtual_hosts_do_not_mix(self) -> None:
        elsewhere = self.new_transport(self.other_url)
        here, there = self.serve("one"), self.serve("one", elsewhere)
        self.stub().call(self.ctxt, "note", server="one", what="here")
        self.stub(transport=elsewhere).call(self.ctxt, "note", server="one", what="there")
        self.assertEqual((["here"], ["there"]), (here.seen, there.seen))

    def test_sixteen_callers_at_once(self) -> None:
        self.serve("one")
        stub = self.stub()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda number: stub.call(self.ctxt, "echo", what=number), range(200)))
        self.assertEqual(list(range(200)), answers)

    def test_a_slow_method_does_not_block_others(self) -> None:
        endpoint = self.serve("one")
        self.stub().cast(self.ctxt, "wait")
        self.assertTrue(endpoint.begun.wait(10))
        self.assertEqual(1, self.stub().call(self.ctxt, "echo", what=1))
        self.assertEqual([], endpoint.seen)

    def test_stop_waits_for_what_is_running(self) -> None:
        endpoint = self.serve("one")
        self.stub().cast(self.ctxt, "wait")
        self.assertTrue(endpoint.begun.wait(10))
        threading.Timer(0.3, endpoint.gate.set).start()
        self.server.stop()
        self.assertEqual(["waited"], endpoint.seen)


class TestLocal(Suite, testtools.TestCase):
    def setUp(self) -> None:
        self.url, self.other_url = suite.local_url(), suite.local_url()
        super().setUp()

    def test_a_late_server_gets_what_was_cast(self) -> None:
        self.assert_kept()


class TestRabbit(Suite, testtools.TestCase):
    hosts: ClassVar[list[suite.RabbitHost]] = []

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        try:
            cls.hosts = [suite.RabbitHost(), suite.RabbitHost()]
        except OSError as error:
            if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
                raise
            raise cls.skipException(f"no RabbitMQ at {suite.BROKER}: {error}") from error

    @classmethod
    def tearDownClass(cls) -> None:
        for host in cls.hosts:
            host.remove()
        super().tearDownClass()

    def setUp(self) -> None:
        self.url, self.other_url = (host.url for host in self.hosts)
        super().setUp()

    def test_a_server_that_never_was_gets_nothing_and_the_sender_is_told(self) -> None:
        error = self.assertRaises(
            exception.ServiceUnavailable, self.stub().cast, self.ctxt, "note", server="never", what=1
        )
        self.assertIn("never", str(error))

    def test_virtual_hosts_do_not_mix(self) -> None:
        if not self.hosts[1].is_own:
            self.skipTest("rabbitmqctl cannot make virtual hosts here")
        super().test_virtual_hosts_do_not_mix()
