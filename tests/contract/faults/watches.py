#!/usr/bin/env python3
"""An informer before a real API server whose connection fails in every way that a watch can."""
import json
import os
import subprocess
import sys
import threading
import time
import unittest

from world import Api, World, apiserver, eventually

IDLE_SECONDS = 3


class Probe:
    """The informer under test as a process; keeps the lines that it prints."""

    def __init__(self, world, proxy_name, namespace, idle, way):
        kubeconfig = str(world.folder / f"{proxy_name}.kubeconfig")
        self.log = open(world.folder / f"{proxy_name}.log", "wb")
        self.child = subprocess.Popen(
            [os.environ["INFORMER_PROBE"], kubeconfig, namespace, str(idle), way],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
            preexec_fn=apiserver.die_with_parent)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            if not line.startswith("{"):  # its log
                self.lines.append(line.strip())

    def says(self, line):
        eventually(f"the informer says {line!r} (it said {self.lines})", lambda: line in self.lines)

    def end(self):
        self.child.kill()
        self.child.wait()
        self.reader.join(5)
        self.child.stdout.close()
        self.log.close()


class Watches(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.addClassCleanup(cls.world.__exit__)
        cls.beside = Api(cls.world.servers)  # for the proxy's thread

    def begin(self, way="stream", idle=600, before=None):
        """An informer that knows the ConfigMaps "first" and "second"."""
        name = self._testMethodName.removeprefix("test_").replace("_", "-")[:50]
        self.namespace = name
        self.world.ensure_namespace(name)
        self.make("first")
        self.make("second")
        self.proxy = self.world.proxy(name)
        if before:
            self.proxy.before = before
        self.probe = Probe(self.world, name, name, idle, way)
        self.addCleanup(self.probe.end)
        self.probe.says("synced")
        self.assertEqual(self.probe.lines, ["added first", "added second", "synced"])
        eventually("it watches", lambda: any(one.is_watch for _, one in self.proxy.requests))
        self.proxy.reset()

    def path(self, name):
        return f"/api/v1/namespaces/{self.namespace}/configmaps/{name}"

    def make(self, name, api=None):
        (api or self.world.api).apply(self.path(name), {
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace}})

    def remove(self, name, api=None):
        (api or self.world.api).send("DELETE", self.path(name))

    def watches(self):
        return [one for _, one in self.proxy.arrived if one.is_watch]

    def lists(self):
        """Requests for everything that there is, in whichever way."""
        return [one for _, one in self.proxy.arrived
                if not one.is_watch or "sendInitialEvents=true" in one.target]

    def meanwhile(self):
        """What the informer does not see: one object goes, one comes."""
        self.remove("first", self.beside)
        self.make("third", self.beside)

    def test_a_frozen_watch_is_noticed_and_replaced(self):
        self.begin(idle=IDLE_SECONDS)
        self.proxy.frozen = True
        before = len(self.watches())
        self.make("third")
        # The server itself ends a watch only after minutes.
        eventually("another watch", lambda: len(self.watches()) > before)
        self.assertNotIn("added third", self.probe.lines)
        self.proxy.frozen = False
        self.probe.says("added third")
        self.assertEqual(self.lists(), [])

    def test_streams_that_are_cut_go_on_where_they_were(self):
        self.begin()
        names = [f"after-{number}" for number in range(5)]
        for name in names:
            self.proxy.cut()
            self.make(name)
            self.probe.says(f"added {name}")
        self.assertEqual(self.probe.lines[3:], [f"added {name}" for name in names])
        self.assertEqual(self.lists(), [])
        self.assertGreaterEqual(len(self.watches()), len(names))

    def test_events_that_come_late_come_all(self):
        self.begin()
        self.proxy.frozen = True
        for number in range(20):
            self.make(f"late-{number:02d}")
        time.sleep(1)
        self.assertEqual(self.probe.lines[3:], [])
        self.proxy.frozen = False
        self.probe.says("added late-19")
        self.assertEqual(self.probe.lines[3:], [f"added late-{number:02d}" for number in range(20)])

    def test_gone_as_a_status_lists_again_and_tells_what_was_deleted(self):
        self.begin()
        refused = []

        def gone(request):
            if request.is_watch and not refused:
                refused.append(request)
                self.meanwhile()
                return 410, "Expired"
            return None

        self.proxy.before = gone
        self.proxy.cut()
        self.probe.says("deleted first")
        self.probe.says("added third")
        self.assertEqual(len(self.lists()), 1)
        self.goes_on()

    def test_gone_as_an_event_lists_again_and_tells_what_was_deleted(self):
        self.begin()
        replaced = []

        def gone(piece):
            if replaced:
                return piece
            replaced.append(piece)
            self.meanwhile()
            event = json.dumps({"type": "ERROR", "object": {
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410,
                "reason": "Expired", "message": "too old resource version"}}).encode() + b"\n"
            return b"%x\r\n%s\r\n" % (len(event), event)

        self.proxy.on_event = gone
        self.make("trigger")
        self.probe.says("deleted first")
        self.probe.says("added third")
        self.probe.says("added trigger")
        self.assertEqual(len(self.lists()), 1)
        self.goes_on()

    def test_a_watch_that_is_told_to_wait_waits_and_does_not_list(self):
        self.begin()
        refused = []

        def busy(request):
            if request.is_watch and len(refused) < 2:
                refused.append(time.monotonic())
                return 429, "TooManyRequests", (("Retry-After", "1"),)
            return None

        self.proxy.before = busy
        self.proxy.cut()
        self.make("third")
        self.probe.says("added third")
        self.assertEqual(len(refused), 2)
        self.assertGreaterEqual(refused[1] - refused[0], 0.9, "it waits as long as it is told")
        self.assertEqual(self.lists(), [])

    def heals(self, way):
        refused = []

        def broken(request):
            if len(refused) < 3:
                refused.append(request)
                code = (500, 503, 500)[len(refused) - 1]
                return code, {500: "InternalError", 503: "ServiceUnavailable"}[code]
            return None

        self.begin(way, before=broken)
        self.assertEqual(len(refused), 3)
        self.goes_on()

    def test_a_server_that_fails_while_it_streams_a_list(self):
        self.heals("stream")

    def test_a_server_that_fails_while_it_lists(self):
        self.heals("pages")

    def goes_on(self):
        self.make("afterwards")
        self.probe.says("added afterwards")


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
