"""What the fault tests stand on: servers of their own, a stand-in for Kubernetes' controllers, the
operator behind a fault proxy."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import apiserver  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402

READY_SECONDS = 300
# Costs nothing when all is well; a machine may be several times slower than usual.
PATIENCE = 120
IDLE_SECONDS = 30
OPERATOR_NAMESPACE = "alphorn-system"
TENANTS = "/apis/alphorn.dev/v1alpha1/companyhomeservers"
CATALOGUE = {"images": {"postgres": "test/postgres:15", "nginx": "test/nginx:1",
                        "web": "test/web:1", "redis": "test/redis:7", "mas": "test/mas:1",
                        "bridges": {"slack": "test/slack:1", "irc": "test/irc:1",
                                    "telegram": "test/telegram:1"},
                        "livekit": "test/livekit:1", "coturn": "test/coturn:1", "lkJwtService": "test/lk-jwt:1",
                        "backup": "test/backup:1",
                        "synapse": {"repository": "test/synapse", "tagPrefix": "v"}},
             "channels": {"stable": "1.163.2"}}


class Refused(RuntimeError):
    def __init__(self, status, text):
        super().__init__(f"{status}: {text[:300]}")
        self.status = status


def eventually(what, check, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return found


class Api:
    """Straight to the API server, past the proxy. One per thread."""

    def __init__(self, servers):
        self.servers = servers
        self.context = ssl.create_default_context(cafile=servers.keys.path("ca.crt"))
        self.connection, self.used = None, 0.0

    def open(self, method, path, body=None, content="application/json"):
        # The server closes what was idle for 90 s, and that is heard of with the next answer only.
        idle = time.monotonic() - self.used
        self.used = time.monotonic()
        if self.connection is None or idle > IDLE_SECONDS:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.servers.port,
                                                          context=self.context, timeout=3600)
        headers = {"Authorization": f"Bearer {apiserver.ADMIN_TOKEN}", "Content-Type": content}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return self.connection.getresponse()

    def send(self, method, path, body=None, content="application/json"):
        answer = self.open(method, path, body, content)
        text = answer.read().decode()
        if answer.status >= 400:
            raise Refused(answer.status, text)
        return json.loads(text)

    def get(self, path):
        """The object or nothing."""
        try:
            return self.send("GET", path)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def apply(self, path, manifest):
        return self.send("PATCH", f"{path}?fieldManager=tester&force=true", manifest,
                         "application/apply-patch+yaml")

    def merge(self, path, patch):
        return self.send("PATCH", path, patch, "application/merge-patch+json")


def workload(item):
    count = item["spec"].get("replicas", 1)
    return {"observedGeneration": item["metadata"]["generation"], "replicas": count,
            "readyReplicas": count, "updatedReplicas": count, "availableReplicas": count}


def stateful_set(item):
    return workload(item) | {"currentReplicas": item["spec"].get("replicas", 1),
                             "currentRevision": "r", "updateRevision": "r"}


def claim(item):
    return {"phase": "Bound", "capacity": item["spec"]["resources"]["requests"]}


def with_address(_):
    return {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}


def service(item):
    return with_address(item) if item["spec"]["type"] == "LoadBalancer" else {}


def route(item):
    accepted = [{"type": kind, "status": "True", "reason": kind, "message": "",
                 "observedGeneration": item["metadata"]["generation"]}
                for kind in ("Accepted", "ResolvedRefs")]
    return {"parents": [{"parentRef": parent, "conditions": accepted}
                        for parent in item["spec"]["parentRefs"]]}


def job(item):
    now = item["metadata"]["creationTimestamp"]
    conditions = [{"type": kind, "status": "True", "reason": "CompletionsReached", "message": "",
                   "lastProbeTime": now, "lastTransitionTime": now}
                  for kind in ("SuccessCriteriaMet", "Complete")]
    return {"startTime": now, "completionTime": now, "succeeded": 1, "ready": 0, "terminating": 0,
            "uncountedTerminatedPods": {}, "conditions": conditions}


class Settler:
    """Marks workloads rolled out, claims bound and addresses given, as their controllers would."""

    KINDS = {"/apis/apps/v1/statefulsets": stateful_set, "/apis/apps/v1/deployments": workload,
             "/api/v1/persistentvolumeclaims": claim, "/api/v1/services": service,
             "/apis/networking.k8s.io/v1/ingresses": with_address,
             "/apis/batch/v1/jobs": job,
             "/apis/gateway.networking.k8s.io/v1/httproutes": route,
             "/apis/gateway.networking.k8s.io/v1/tlsroutes": route}

    def __init__(self, servers):
        self.servers = servers
        self.ended = False
        for collection, wanted in self.KINDS.items():
            threading.Thread(target=self.follow, args=(collection, wanted), daemon=True).start()

    def follow(self, collection, wanted):
        watcher, setter = Api(self.servers), Api(self.servers)
        while not self.ended:
            try:
                answer = watcher.open("GET", f"{collection}?watch=true")
                for line in answer:
                    event = json.loads(line)
                    if event.get("type") in ("ADDED", "MODIFIED"):
                        self.settle(setter, collection, event["object"], wanted(event["object"]))
            except (OSError, ValueError, http.client.HTTPException, Refused):
                pass
            # A kind that nobody has defined (yet) answers at once.
            watcher.connection = setter.connection = None
            time.sleep(0.2)

    @staticmethod
    def settle(api, collection, item, wanted):
        if any(item.get("status", {}).get(key, 0) != value for key, value in wanted.items()):
            group, plural = collection.rsplit("/", 1)
            metadata = item["metadata"]
            path = f"{group}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}/status"
            try:
                api.merge(path, {"status": wanted})
            except Refused as error:
                if error.status != 404:
                    raise


class Operator:
    """The operator under test as a process; `command` is its program."""

    def __init__(self, command, folder, kubeconfig, name, *flags):
        self.port = apiserver.free_ports(1)[0]
        self.log = open(folder / f"{name}.log", "ab")
        self.child = subprocess.Popen(
            [command, "--kubeconfig", str(kubeconfig), "--config", str(folder / "catalogue.yaml"),
             "--namespace", OPERATOR_NAMESPACE, "--identity", name, "--log-level", "info",
             "--listen-port", str(self.port), *flags],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=apiserver.die_with_parent)

    def metrics(self, *names):
        """Of each the sum over all labels, as of one moment; nothing while they cannot be told."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
                lines = answer.read().decode().splitlines()
        except (OSError, http.client.HTTPException):  # it may end while it answers
            return None
        found = [[float(line.rsplit(" ", 1)[1]) for line in lines
                  if line.startswith((name + "{", name + " "))] for name in names]
        return [sum(values) for values in found] if all(found) else None

    def metric(self, name):
        found = self.metrics(name)
        return found[0] if found else None

    def idle(self):
        return self.metrics("workqueue_depth", "controller_runtime_active_workers") == [0, 0]

    def signal(self, number):
        self.child.send_signal(number)

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.log.close()


class World:
    """A context: servers with our definition, their garbage collector, a settler, a fault proxy."""

    def __enter__(self):
        # Ended from outside, it still takes its servers and their folder along.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
        self.program = os.environ["OPERATOR_UNDER_TEST"]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="alphorn-faults-"))
        self.proxies, self.operators = [], []
        self.settler = None
        self.servers = apiserver.Servers(self.folder, self.folder)
        try:
            self.fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def fill(self):
        eventually("the API server is ready", self.servers.ready, READY_SECONDS)
        (self.folder / "kubeconfig").write_text(self.servers.kubeconfig("token"))
        (self.folder / "catalogue.yaml").write_text(json.dumps(CATALOGUE))
        self.api = Api(self.servers)
        self.install_definition()
        self.api.apply("/apis/storage.k8s.io/v1/storageclasses/test", {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "allowVolumeExpansion": True,
            "metadata": {"name": "test", "annotations": {
                "storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "test.alphorn.dev/none"})
        self.ensure_namespace(OPERATOR_NAMESPACE)
        self.servers.spawn("kube-controller-manager", [
            "--kubeconfig", str(self.folder / "kubeconfig"), "--leader-elect=false",
            "--controllers=garbage-collector-controller", "--secure-port=0",
            # Its own limit, twenty requests a second, is what deletions would wait for here.
            "--kube-api-qps=500", "--kube-api-burst=1000"])
        self.settler = Settler(self.servers)

    def install_definition(self):
        done = subprocess.run(
            [apiserver.hyperkube(), "kubectl", "--kubeconfig", str(self.folder / "kubeconfig"),
             f"--cache-dir={self.folder}/kubectl", "apply", "--server-side",
             "-f", str(ROOT / "crds" / "companyhomeservers.yaml")],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"kubectl apply: {done.stderr.strip()}")
        eventually("CompanyHomeservers are served", self.serves_tenants)

    def serves_tenants(self):
        try:
            return self.api.get(TENANTS)
        except Refused as error:
            if error.status in (429, 503):  # its storage is not ready yet
                return None
            raise

    def __exit__(self, *_):
        for operator in self.operators:
            operator.end()
        for proxy in self.proxies:
            proxy.__exit__()
        if self.settler:
            self.settler.ended = True
        self.servers.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ensure_namespace(self, name):
        self.api.apply(f"/api/v1/namespaces/{name}", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def proxy(self, name):
        proxy = FaultProxy(self.servers, name).__enter__()
        self.proxies.append(proxy)
        (self.folder / f"{name}.kubeconfig").write_text(proxy.kubeconfig())
        return proxy

    def operator(self, proxy_name, *flags, name="one"):
        operator = Operator(self.program, self.folder, self.folder / f"{proxy_name}.kubeconfig",
                            name, *flags)
        self.operators.append(operator)
        return operator

    def log_of(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def tenant(self, namespace, name="acme"):
        return self.api.get(tenant_path(namespace, name))


def tenant_path(namespace, name="acme"):
    return f"/apis/alphorn.dev/v1alpha1/namespaces/{namespace}/companyhomeservers/{name}"


def tenant_manifest(namespace, name="acme"):
    return {"apiVersion": "alphorn.dev/v1alpha1", "kind": "CompanyHomeserver",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"serverName": f"{namespace}.example", "version": "1.163.2"}}


def is_ready(tenant):
    """Ready, and said of the generation that is there."""
    status = (tenant or {}).get("status", {})
    return any(one["type"] == "Ready" and one["status"] == "True" and
               one.get("observedGeneration") == tenant["metadata"]["generation"]
               for one in status.get("conditions", []))


def kill(operator):
    """As the kernel or a power cut would; returns when it is gone."""
    operator.signal(signal.SIGKILL)
    operator.child.wait()
