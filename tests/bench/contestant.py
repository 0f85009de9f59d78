"""One contestant on one fresh server: what is done to it, and what is measured."""
import json
import pathlib
import signal
import socket
import subprocess
import time

from audit import (Audit, by_verb, is_event, moment, percentile, reactions_ms,
                   write_times_ms)
from process import Operator, ReadyCount
from server import Cluster

CATALOGUE = {"images": {"postgres": "bench/postgres:15", "nginx": "bench/nginx:1",
                        "redis": "bench/redis:7",
                        "synapse": {"repository": "bench/synapse", "tagPrefix": "v"}},
             "channels": {"stable": "1.163.2"}}
CONVERGE_SECONDS = 3600
QUIET_SECONDS = 5          # no write for that long: settled
RESTART_WINDOW_SECONDS = 20
FAILOVER_LIMIT_SECONDS = 90
EDIT_GAP_MS = 200
VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Contestant:
    """`command` is the program; `user` is who it is to the API server."""

    def __init__(self, name, user, command, environment=None):
        self.name, self.user, self.command = name, user, command
        self.environment = environment or {}

    def start(self, cluster, settings, replica="one", elect=False):
        port = free_port()
        (cluster.folder / "catalogue.yaml").write_text(json.dumps(CATALOGUE))
        command = [*self.command, "--kubeconfig", cluster.kubeconfig(self.user),
                   "--config", str(cluster.folder / "catalogue.yaml"),
                   "--namespace", "alphorn-system", "--identity", replica,
                   "--log-level", "warn", "--workers", str(settings.workers),
                   "--listen-port", str(port), *(["--leader-elect"] if elect else [])]
        log = pathlib.Path(settings.logs) / f"{self.name}-{replica}.log"
        return Operator(command, log, port, self.environment)


class Run:
    """Everything about one size on one server. Figures are collected in `figures`."""

    def __init__(self, cluster, settings, tenants):
        self.cluster, self.settings, self.tenants = cluster, settings, tenants
        self.audit = Audit(cluster.audit_log)
        self.figures = {}

    def tool(self, command, user, *flags):
        done = subprocess.run(
            [self.settings.tools, command, "--kubeconfig", self.cluster.kubeconfig(user),
             "--tenants", str(self.tenants), "--workers", str(self.settings.workers), *flags],
            capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            raise RuntimeError(done.stderr.strip() or f"tools {command} failed")
        return done.stdout

    def seed(self):
        self.tool("seed", "driver")
        self.ready = ReadyCount(self.settings.tools, self.cluster.kubeconfig("setter"), self.tenants)

    def load(self):
        """The raw loader: what the server alone needs for these bodies."""
        server = self.cluster.cpu_seconds()
        began = time.time()
        said = self.tool("load", "loader", "--template", self.settings.template)
        ready = self.ready.wait_for(self.tenants, 600)
        self.figures["wall_s"] = round(float(said.split()[1]), 2)
        self.figures["ready_s"] = round(ready - began, 2)
        self.figures["server_cpu_s"] = round(self.cluster.cpu_seconds() - server, 1)
        self.figures["requests_per_tenant"] = by_verb(self.audit.entries("loader"), self.tenants)
        times = write_times_ms(self.audit.entries("loader"))
        self.figures["write_p50_ms"] = percentile(times, 0.5)
        self.figures["write_p99_ms"] = percentile(times, 0.99)

    def converge(self, contestant):
        server = self.cluster.cpu_seconds()
        operator = contestant.start(self.cluster, self.settings)
        ready = self.ready.wait_for(self.tenants, CONVERGE_SECONDS, operator.alive)
        self.figures["wall_s"] = round(ready - operator.began, 2)
        self.figures["server_cpu_s"] = round(self.cluster.cpu_seconds() - server, 1)
        self.wait_until_quiet(contestant, operator)
        self.figures["cpu_s"] = round(operator.cpu(), 2)
        self.figures["cpu_ms_per_tenant"] = round(operator.cpu() * 1000 / self.tenants, 2)
        self.figures["rss_peak_mb"] = round(operator.peak(), 1)
        entries = self.audit.entries(contestant.user)
        self.figures["requests_per_tenant"] = by_verb(entries, self.tenants)
        self.figures["requests_per_tenant_total"] = round(
            sum(not is_event(entry) for entry in entries) / self.tenants, 2)
        return operator

    def wait_until_quiet(self, contestant, operator):
        """Until nothing was written for a while."""
        written, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            if not operator.alive():
                raise RuntimeError(f"{contestant.name} ended; see its log in {self.settings.logs}")
            size = self.cluster.audit_log.stat().st_size
            if size != written:
                written, since = size, time.monotonic()
            time.sleep(0.25)

    def rest(self, contestant, operator, seconds):
        self.audit.skip()
        cpu, began = operator.cpu(), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        self.figures["rest_window_s"] = seconds
        self.figures["writes_at_rest"] = len(self.audit.writes(contestant.user))
        self.figures["cpu_at_rest_percent"] = round((operator.cpu() - cpu) / took * 100, 2)
        self.figures["rss_settled_mb"] = round(operator.rss(), 1)
        self.figures["cached_json_mb"] = self.cached_json_mb()

    def react(self, contestant):
        self.audit.skip()
        # Far enough apart that the server is done with one edit before the next: each makes half a dozen
        # writes, and reactions are to be timed, not the server's queue.
        heard = json.loads(self.tool("edit", "editor", "--count", str(self.settings.edits),
                                     "--gap-ms", str(EDIT_GAP_MS)))
        deadline = time.monotonic() + 60
        times = {"reaction": []}
        while len(times["reaction"]) < self.settings.edits and time.monotonic() < deadline:
            time.sleep(0.5)
            times = reactions_ms(self.audit.entries(), contestant.user, heard)
        self.figures["edits_seen"] = len(times["reaction"])
        for name, values in times.items():
            self.figures[f"{name}_p50_ms"] = percentile(values, 0.5)
            self.figures[f"{name}_p99_ms"] = percentile(values, 0.99)

    def restart(self, contestant, operator):
        self.wait_until_quiet(contestant, operator)
        self.figures["stop_s"] = round(operator.stop(), 2)
        self.audit.skip()
        operator = contestant.start(self.cluster, self.settings)
        while not (operator.passes() >= self.tenants and operator.is_idle()):
            if not operator.alive() or time.time() - operator.began > CONVERGE_SECONDS:
                raise RuntimeError(f"{contestant.name} did not drain its queue after a restart")
            time.sleep(0.05)
        self.figures["restart_drained_s"] = round(time.time() - operator.began, 2)
        self.figures["restart_cpu_s"] = round(operator.cpu(), 2)
        time.sleep(RESTART_WINDOW_SECONDS)
        self.figures["writes_after_restart"] = len(self.audit.writes(contestant.user))
        self.figures["rss_after_restart_mb"] = round(operator.rss(), 1)
        return operator

    def failover(self, contestant):
        """Two replicas; the leader is stopped, then one is killed. Counted until an edit that comes
        right after is acted upon."""
        for name, by in (("clean", signal.SIGTERM), ("killed", signal.SIGKILL)):
            pair = [contestant.start(self.cluster, self.settings, replica, elect=True)
                    for replica in ("one", "two")]
            try:
                self.figures[f"failover_{name}_s"] = self.fail_over(contestant, pair, by)
            finally:
                for replica in pair:
                    replica.stop()
            self.cluster.kubectl("-n", "alphorn-system", "delete", "lease", "--all")

    def fail_over(self, contestant, pair, by):
        leader = None
        deadline = time.monotonic() + FAILOVER_LIMIT_SECONDS
        while leader is None and time.monotonic() < deadline:
            leader = next((one for one in pair
                           if one.metric("leader_election_master_status") == 1), None)
            time.sleep(0.1)
        if leader is None:
            raise RuntimeError(f"{contestant.name}: no replica leads")
        standby = pair[1] if leader is pair[0] else pair[0]
        while not (leader.passes() >= self.tenants and leader.is_idle()):
            time.sleep(0.2)
        time.sleep(3)
        self.audit.skip()
        asked = time.time()
        leader.child.send_signal(by)
        leader.child.wait(30)
        gone = time.time()
        self.tool("edit", "editor", "--count", "1", "--gap-ms", "0", "--first", str(int(asked) % 100000))
        while time.time() - asked < FAILOVER_LIMIT_SECONDS and standby.alive():
            for entry in self.audit.writes(contestant.user):
                reference = entry["objectRef"]
                if reference["resource"] == "configmaps":
                    return round(moment(entry["requestReceivedTimestamp"]) - asked, 2)
            time.sleep(0.1)
        raise RuntimeError(f"{contestant.name}: no failover within {time.time() - gone:.0f} s")

    def cached_json_mb(self):
        """The bytes of JSON that a careful cache holds: one namespace's objects, times their number."""
        text = self.cluster.kubectl(
            "get", "companyhomeservers,configmaps,secrets,persistentvolumeclaims,services,"
            "statefulsets,deployments,networkpolicies", "-n", "bench-000", "-o", "json", "--show-managed-fields=false")
        items = [item for item in json.loads(text)["items"]
                 if item["metadata"]["name"] != "kube-root-ca.crt"]
        size = sum(len(json.dumps(item, separators=(",", ":"))) for item in items)
        return round(size / min(self.tenants, 100) * self.tenants / 2**20, 1)

    def state(self):
        """Every child, without what a server or a random generator makes of it."""
        objects = {}
        for kind in ("configmaps", "secrets", "persistentvolumeclaims", "services", "statefulsets",
                     "deployments", "networkpolicies"):
            text = self.cluster.kubectl("get", kind, "-A", "-o", "json", "--show-managed-fields",
                                        "-l", "alphorn.dev/tenant")
            for item in json.loads(text)["items"]:
                name = f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}"
                objects[name] = comparable(item)
        return objects


def tell(text):
    print(f"{time.strftime('%H:%M:%S')}    {text}", flush=True)


def comparable(item):
    """The object with drawn values replaced by their form."""
    for owner in item["metadata"].get("ownerReferences", []):
        # The list's key in the field owners too.
        item = json.loads(json.dumps(item).replace(owner["uid"], "drawn"))
    metadata = item["metadata"]
    for field in VOLATILE:
        metadata.pop(field, None)
    managers = metadata.pop("managedFields", [])
    # What was created plainly is owned by the program's own name; only status has other writers.
    item["fields"] = {entry["manager"] if entry["operation"] == "Apply" else "created": entry["fieldsV1"]
                      for entry in managers if "subresource" not in entry}
    annotations = metadata.get("annotations", {})
    if "alphorn.dev/applied-hash" in annotations:
        annotations["alphorn.dev/applied-hash"] = "of the owner's uid and other drawn values"
    for drawn in ("alphorn.dev/made-for", "alphorn.dev/certificate", "alphorn.dev/certificate-seal"):
        if drawn in annotations:
            annotations[drawn] = "drawn"
    template = item.get("spec", {}).get("template", {}).get("metadata", {}).get("annotations", {})
    if "alphorn.dev/certificate-serial" in template:
        template["alphorn.dev/certificate-serial"] = len(template["alphorn.dev/certificate-serial"])
    if item["kind"] == "Secret":
        item["data"] = {key: bool(value) if key.startswith("tls.") else len(value)
                        for key, value in item["data"].items()}
    if item["kind"] == "ConfigMap" and "ca.crt" in item["data"]:
        item["data"]["ca.crt"] = "PEM" if "BEGIN CERTIFICATE" in item["data"]["ca.crt"] else "?"
    if item["kind"] == "Service" and item["spec"].get("clusterIP") != "None":
        item["spec"]["clusterIP"], item["spec"]["clusterIPs"] = "drawn", ["drawn"]
    item.pop("status", None)
    return item


def measure(contestant, settings, tenants, stages):
    """One contestant, one size, one fresh server. Returns its figures and, when asked, its state."""
    with Cluster() as cluster:
        run = Run(cluster, settings, tenants)
        run.seed()
        operator = None
        state = None
        try:
            if contestant is None:
                run.load()
                return run.figures, None
            operator = run.converge(contestant)
            tell(f"{contestant.name} converged after {run.figures['wall_s']} s")
            if "state" in stages:
                state = run.state()
            if "rest" in stages:
                run.rest(contestant, operator, settings.rest)
                tell(f"writes at rest: {run.figures['writes_at_rest']}")
            if "react" in stages:
                run.react(contestant)
                tell(f"reactions seen: {run.figures['edits_seen']}")
            if "restart" in stages:
                operator = run.restart(contestant, operator)
                tell(f"drained {run.figures['restart_drained_s']} s after a restart")
            if "failover" in stages:
                operator.stop()
                run.failover(contestant)
        finally:
            if operator is not None:
                operator.stop()
            run.ready.stop()
        return run.figures, state
