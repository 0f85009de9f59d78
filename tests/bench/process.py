"""Processes under measurement: CPU and memory from /proc, and Prometheus metrics by HTTP."""
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb_of(pid, field="VmRSS"):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", text).group(1)) / 1024


class Running:
    """A program in the background; its output goes to a file."""

    def __init__(self, command, log, environment=None):
        self.log = open(log, "ab")
        self.began = time.time()
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=self.log, env={**os.environ, **(environment or {})})
        self.pid = self.child.pid

    def cpu(self):
        return cpu_seconds_of(self.pid)

    def rss(self):
        return memory_mb_of(self.pid)

    def peak(self):
        return memory_mb_of(self.pid, "VmHWM")

    def alive(self):
        return self.child.poll() is None

    def stop(self, by=signal.SIGTERM, within=60):
        """Seconds until it was gone."""
        asked = time.monotonic()
        if self.alive():
            self.child.send_signal(by)
            try:
                self.child.wait(within)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.log.close()
        return time.monotonic() - asked


class Operator(Running):
    """An operator with a metrics port; both kinds tell the same metrics under the same names."""

    def __init__(self, command, log, port, environment=None):
        super().__init__(command, log, environment)
        self.port = port

    def metric(self, name):
        """The sum over all label sets; nothing while it cannot be asked."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, found)) if found else None

    def passes(self):
        return self.metric("controller_runtime_reconcile_total") or 0

    def is_idle(self):
        return (self.metric("workqueue_depth") == 0 and
                self.metric("controller_runtime_active_workers") == 0)


class ReadyCount:
    """Runs the stand-in for Kubernetes' controllers and keeps what it says about tenants."""

    def __init__(self, tools, kubeconfig, tenants):
        self.count = 0
        self.at = 0.0
        self.child = subprocess.Popen(
            [tools, "settle", "--kubeconfig", kubeconfig, "--tenants", str(tenants),
             "--workers", "20"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            _, count, at = line.split()
            self.count, self.at = int(count), float(at)

    def wait_for(self, count, seconds, alive=lambda: True):
        """The moment at which so many were ready."""
        deadline = time.monotonic() + seconds
        while self.count != count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {self.count} of {count} tenants are Ready after {seconds} s")
            if not alive():
                raise RuntimeError("the operator ended; see its log")
            time.sleep(0.05)
        return self.at

    def stop(self):
        self.child.terminate()
        self.child.wait()
