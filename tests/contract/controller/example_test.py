#!/usr/bin/env python3
"""The example operator of lib/controller, as its README tells it: started, used, disturbed, stopped."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import apiserver  # noqa: E402

KUBECONFIG = os.environ["ALPHORN_TEST_KUBECONFIG"]
COPIER = os.environ["COPIER"]
LIMIT_SECONDS = 120


def kubectl(*arguments, stdin=None):
    done = subprocess.run([apiserver.hyperkube(), "kubectl", "--kubeconfig", KUBECONFIG, *arguments],
                          input=stdin, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def copy_of(name):
    text = kubectl("get", "configmap", name, "-n", "copies", "-o", "json", "--ignore-not-found")
    return json.loads(text) if text else None


def eventually(what, check):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {LIMIT_SECONDS} s")
        time.sleep(0.1)


class Example(unittest.TestCase):
    def setUp(self):
        for namespace in ("originals", "copies"):
            kubectl("apply", "-f", "-", stdin=json.dumps(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
        self.write("hello")
        self.operator = subprocess.Popen([COPIER, KUBECONFIG], stdout=subprocess.DEVNULL)
        self.addCleanup(self.end)

    def end(self):
        if self.operator.poll() is None:
            self.operator.kill()
            self.operator.wait()
        for namespace in ("originals", "copies"):
            kubectl("delete", "configmap", "words", "-n", namespace, "--ignore-not-found")

    @staticmethod
    def write(text):
        kubectl("apply", "-f", "-", stdin=json.dumps(
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"text": text},
             "metadata": {"name": "words", "namespace": "originals",
                          "labels": {"example/copy-to": "copies"}}}))

    def test_it_copies_mends_and_ends(self):
        eventually("copied", lambda: copy_of("words"))
        self.assertEqual(copy_of("words")["data"], {"text": "hello"})

        self.write("goodbye")
        eventually("followed", lambda: copy_of("words")["data"] == {"text": "goodbye"})

        kubectl("delete", "configmap", "words", "-n", "copies")
        eventually("made again", lambda: copy_of("words"))

        kubectl("patch", "configmap", "words", "-n", "copies", "--type=merge",
                "-p", '{"data": {"text": "vandal"}}')
        eventually("mended", lambda: copy_of("words")["data"] == {"text": "goodbye"})

        version = copy_of("words")["metadata"]["resourceVersion"]
        time.sleep(2)
        self.assertEqual(copy_of("words")["metadata"]["resourceVersion"], version, "it writes at rest")

        self.operator.send_signal(signal.SIGTERM)
        self.assertEqual(self.operator.wait(timeout=120), 0)


if __name__ == "__main__":
    unittest.main()
