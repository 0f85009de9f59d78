#!/usr/bin/env python3
"""The client's contract tests once more, through proxies that somebody else wrote."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import apiserver  # noqa: E402

KUBECONFIG = pathlib.Path(os.environ["ALPHORN_TEST_KUBECONFIG"])
CONTRACT_KUBE = os.environ["CONTRACT_KUBE"]
TESTS = "AgainstApiServer.*:Watch.*"


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class ThroughAProxy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="alphorn-proxy-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.port,) = apiserver.free_ports(1)

    def start(self, *command):
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                 preexec_fn=apiserver.die_with_parent)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        deadline = time.monotonic() + 120
        while not listens(self.port):
            self.assertLess(time.monotonic(), deadline, f"{command[0]} does not listen")
            time.sleep(0.05)

    def run_tests(self, proxy_url, tests=TESTS):
        for source in (KUBECONFIG, KUBECONFIG.with_name(KUBECONFIG.name + "-token")):
            config = json.loads(source.read_text())
            config["clusters"][0]["cluster"]["proxy-url"] = proxy_url
            path = self.folder / source.name
            path.touch(mode=0o600)
            path.write_text(json.dumps(config))
        environment = {**os.environ, "ALPHORN_TEST_KUBECONFIG": str(self.folder / KUBECONFIG.name),
                       "NO_PROXY": "127.0.0.1"}  # which must not count
        return subprocess.run([CONTRACT_KUBE, "--gtest_brief=1", f"--gtest_filter={tests}"],
                              env=environment, capture_output=True, text=True, timeout=900, check=False)

    def seen(self):
        self.log.flush()
        return (self.folder / "log").read_text(encoding="utf-8")

    def tinyproxy(self, *more):
        lines = [f"Port {self.port}", "Listen 127.0.0.1", "Timeout 600", "MaxClients 100",
                 "LogLevel Connect", *more]
        (self.folder / "conf").write_text("\n".join(lines) + "\n")
        self.start("tinyproxy", "-d", "-c", self.folder / "conf")

    def test_http(self):
        self.tinyproxy("BasicAuth someone s3cret")
        done = self.run_tests(f"http://someone:s3cret@127.0.0.1:{self.port}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("CONNECT 127.0.0.1:", self.seen())

    def test_a_proxy_that_refuses_is_named_without_its_password(self):
        self.tinyproxy("BasicAuth someone s3cret")
        done = self.run_tests(f"http://someone:wr0ng@127.0.0.1:{self.port}",
                              "AgainstApiServer.AbsenceIsNothing")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("CONNECT tunnel failed, response 401", done.stdout + done.stderr)
        self.assertNotIn("wr0ng", done.stdout + done.stderr)

    def test_socks5(self):
        self.start("microsocks", "-i", "127.0.0.1", "-p", str(self.port))
        done = self.run_tests(f"socks5://127.0.0.1:{self.port}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("127.0.0.1:", self.seen())


if __name__ == "__main__":
    unittest.main()
