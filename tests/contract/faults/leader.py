#!/usr/bin/env python3
"""Two replicas with a lease: whatever happens to the one that leads, never do both write.

Each time the leader is struck in the middle of a tenant's creation, so that it has more to write.
"""
import datetime
import signal
import sys
import threading
import time
import unittest

from world import (OPERATOR_NAMESPACE, Api, World, eventually, is_ready, kill, tenant_manifest,
                   tenant_path)

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/alphorn-operator"
STRIKE_AFTER = 3       # writes
STOPPED_SECONDS = 30
TAKEN_SECONDS = 120


class LeaseWatch(threading.Thread):
    """Notes when the lease changed hands, by this machine's monotonic clock."""

    def __init__(self, servers):
        super().__init__(daemon=True)
        self.api, self.taken, self.ended = Api(servers), {}, threading.Event()
        self.holder = None
        self.last = {}  # what each holder wrote last

    def run(self):
        while not self.ended.wait(0.02):
            lease = self.api.get(LEASE)
            self.holder = lease["spec"].get("holderIdentity") if lease else None
            if lease:
                self.last[self.holder] = lease["spec"]
            self.taken.setdefault(self.holder, time.monotonic())


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Replica:
    def __init__(self, world, name):
        self.name, self.proxy = name, world.proxy(name)
        self.process = world.operator(name, "--leader-elect", name=name)

    def attempts(self, since=0):
        """When it asked for something to be written, its lease left out; whether or not that came
        through."""
        return [when for when, request in self.proxy.arrived
                if when > since and request.method != "GET" and "/leases" not in request.path]


class Leader(unittest.TestCase):
    def setUp(self):
        self.world = World().__enter__()
        self.addCleanup(self.world.__exit__)
        self.lease = LeaseWatch(self.world.servers)
        self.lease.start()
        self.addCleanup(self.lease.join, 5)
        self.addCleanup(self.lease.ended.set)
        self.old = Replica(self.world, "old")
        eventually("the first leads", lambda: self.lease.holder == "old")
        self.new = Replica(self.world, "new")
        eventually("the second is warm",
                   lambda: self.new.process.metric("leader_election_master_status") == 0)

    def strike(self, how):
        """Makes a tenant; calls `how` once the leader's third write was answered, before it hears."""
        struck = []

        def after_write(number, _):
            if number >= STRIKE_AFTER and not struck:
                struck.append(time.monotonic())
                how()

        self.old.proxy.reset()
        self.old.proxy.after_write = after_write
        self.world.ensure_namespace("struck")
        self.world.api.apply(tenant_path("struck"), tenant_manifest("struck"))
        eventually("a write in the middle", lambda: struck)
        return struck[0]

    def takes_over(self):
        eventually("the lease is taken", lambda: self.lease.holder == "new", TAKEN_SECONDS)
        eventually("the tenant is finished", lambda: is_ready(self.world.tenant("struck")))
        self.assertTrue(self.new.attempts(), "the new leader wrote")
        return self.lease.taken["new"]

    def test_a_leader_in_a_black_hole_ends_before_its_lease_can_be_taken(self):
        def swallow():
            self.old.proxy.black_hole = True

        struck = self.strike(swallow)
        eventually("the old leader ends", lambda: self.old.process.child.poll() is not None,
                   TAKEN_SECONDS)
        ended = time.monotonic()
        taken = self.takes_over()
        print(f"black hole: ended after {ended - struck:.1f} s, taken after {taken - struck:.1f} s",
              flush=True)
        self.assertNotEqual(self.old.process.child.returncode, 0)
        self.assertLess(ended, taken)
        self.assertLess(max(self.old.attempts()), taken)
        self.old.proxy.black_hole = False
        time.sleep(1)
        self.assertLess(max((when for when, _ in self.old.proxy.writes), default=0), taken,
                        "nothing that was on its way arrives later")

    def test_a_leader_that_was_stopped_makes_not_one_write(self):
        struck = self.strike(lambda: self.old.process.signal(signal.SIGSTOP))
        taken = self.takes_over()
        time.sleep(max(0.0, struck + STOPPED_SECONDS - time.monotonic()))
        resumed = time.monotonic()
        self.old.process.signal(signal.SIGCONT)
        eventually("the old leader ends", lambda: self.old.process.child.poll() is not None)
        print(f"stopped: taken after {taken - struck:.1f} s, resumed after {resumed - struck:.1f} s, "
              f"ended {time.monotonic() - resumed:.2f} s later", flush=True)
        self.assertNotEqual(self.old.process.child.returncode, 0)
        self.assertEqual(self.old.attempts(since=resumed), [])
        self.assertEqual(self.lease.holder, "new")

    def test_the_lease_of_a_killed_leader_is_taken_when_it_ran_out(self):
        struck = self.strike(lambda: kill(self.old.process))
        taken = self.takes_over()
        print(f"killed: taken after {taken - struck:.1f} s", flush=True)
        former, present = self.lease.last["old"], self.lease.last["new"]
        waited = moment(present["acquireTime"]) - moment(former["renewTime"])
        self.assertGreaterEqual(waited.total_seconds(), former["leaseDurationSeconds"])


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
