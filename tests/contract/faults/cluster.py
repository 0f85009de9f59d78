"""What the fault tests share: servers, a plain client, a stand-in for Kubernetes' own controllers, the operator."""
import base64
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import apiserver  # noqa: E402

TENANTS = "/apis/alphorn.dev/v1alpha1"
KINDS = {"ConfigMap": "/api/v1", "Secret": "/api/v1", "PersistentVolumeClaim": "/api/v1",
         "Service": "/api/v1", "StatefulSet": "/apis/apps/v1", "Deployment": "/apis/apps/v1",
         "CompanyHomeserver": TENANTS}
CATALOGUE = {"images": {"postgres": "test/postgres:15", "nginx": "test/nginx:1",
                        "synapse": {"repository": "test/synapse", "tagPrefix": "v"}},
             "channels": {"stable": "1.163.2"}}


class Api:
    """A client of the API server itself. For one thread."""

    def __init__(self, servers):
        context = ssl.create_default_context(cafile=servers.keys.path("ca.crt"))
        self.connection = http.client.HTTPSConnection("127.0.0.1", servers.port, context=context, timeout=30)

    def send(self, method, path, body=None, kind="application/json"):
        """The answer, or nothing when there is no such object."""
        text = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {apiserver.ADMIN_TOKEN}", "Content-Type": kind}
        self.connection.request(method, path, text, headers)
        answer = self.connection.getresponse()
        content = json.loads(answer.read())
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.get('message')}")
        return content

    def list(self, kind, namespace=None):
        where = f"/namespaces/{namespace}" if namespace else ""
        items = self.send("GET", f"{KINDS[kind]}{where}/{plural(kind)}")["items"]
        return [{**item, "kind": kind} for item in items]

    def everything(self, namespace):
        return [item for kind in KINDS for item in self.list(kind, namespace)]

    def merge(self, kind, namespace, name, patch, subresource=""):
        return self.send("PATCH", f"{KINDS[kind]}/namespaces/{namespace}/{plural(kind)}/{name}{subresource}",
                         patch, "application/merge-patch+json")


def plural(kind):
    return kind.lower() + "s"


class Settler:
    """Marks workloads rolled out and claims bound, as the cluster's controllers and kubelets would."""

    def __init__(self, servers):
        self.api = Api(servers)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped.wait(0.05):
            for kind in ("StatefulSet", "Deployment", "PersistentVolumeClaim"):
                for item in self.api.list(kind):
                    self.settle(kind, item)

    def settle(self, kind, item):
        status, meta = item.get("status", {}), item["metadata"]
        if kind == "PersistentVolumeClaim":
            wanted = {"phase": "Bound"} if status.get("phase") != "Bound" else None
        else:
            wanted = {"observedGeneration": meta["generation"], "replicas": 1, "readyReplicas": 1,
                      "updatedReplicas": 1, "availableReplicas": 1}
            if kind == "StatefulSet":
                wanted |= {"currentReplicas": 1, "currentRevision": "r", "updateRevision": "r"}
            if status.get("observedGeneration") == meta["generation"]:
                wanted = None
        if wanted and "deletionTimestamp" not in meta:
            self.api.merge(kind, meta["namespace"], meta["name"], {"status": wanted}, "/status")

    def stop(self):
        self.stopped.set()
        self.thread.join(10)


class Cluster:
    """etcd, kube-apiserver and the garbage collector, with our definitions and a default storage class."""

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="alphorn-faults-")
        self.folder = pathlib.Path(self.scratch.name)
        self.servers = apiserver.Servers(self.folder, self.folder)
        deadline = time.monotonic() + apiserver.READY_SECONDS
        while not self.servers.ready():
            if time.monotonic() > deadline or not self.servers.alive():
                self.__exit__()
                raise RuntimeError("the API server did not start")
            time.sleep(0.2)
        config = self.folder / "admin.kubeconfig"
        config.write_text(self.servers.kubeconfig("token"))
        self.servers.spawn("kube-controller-manager", [
            f"--kubeconfig={config}", "--controllers=garbage-collector-controller", "--leader-elect=false",
            "--bind-address=127.0.0.1", f"--secure-port={apiserver.free_ports(1)[0]}"])
        self.api = Api(self.servers)
        self.install()
        self.settler = Settler(self.servers)
        return self

    def install(self):
        done = subprocess.run([apiserver.hyperkube(), "kubectl", "--kubeconfig", self.folder / "admin.kubeconfig",
                               f"--cache-dir={self.folder}/kubectl", "apply", "--server-side",
                               "-f", ROOT / "crds" / "companyhomeservers.yaml"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        eventually("the definition is served", lambda: self.api.send("GET", TENANTS + "/companyhomeservers"))
        self.api.send("POST", "/apis/storage.k8s.io/v1/storageclasses", {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "test.alphorn.dev/none",
            "allowVolumeExpansion": True, "metadata": {"name": "test", "annotations": {
                "storageclass.kubernetes.io/is-default-class": "true"}}})
        self.new_namespace("alphorn-system")

    def new_namespace(self, name):
        self.api.send("POST", "/api/v1/namespaces",
                      {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def __exit__(self, *_):
        if hasattr(self, "settler"):
            self.settler.stop()
        self.servers.stop()
        self.scratch.cleanup()


class Operator:
    """The real operator; only the tenants' own programs, which do not run here, are stood in for."""

    def __init__(self, cluster, kubeconfig, name="one", elect=False):
        folder = cluster.folder
        (folder / f"{name}.kubeconfig").write_text(kubeconfig)
        (folder / "catalogue.yaml").write_text(json.dumps(CATALOGUE))
        self.log = open(folder / f"{name}.log", "ab")
        self.child = subprocess.Popen(
            [os.environ["OPERATOR_UNDER_TEST"], "--kubeconfig", folder / f"{name}.kubeconfig",
             "--config", folder / "catalogue.yaml", "--namespace", "alphorn-system", "--identity", name,
             "--workers", "4", "--listen-port", str(apiserver.free_ports(1)[0]),
             *(["--leader-elect"] if elect else [])],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = self.child.pid

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def gone(self):
        return self.child.poll() is not None

    def stop(self):
        if not self.gone():
            self.child.kill()
        self.child.wait()
        self.log.close()


def eventually(what, check, limit=60):
    deadline = time.monotonic() + limit
    while not (result := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit} s")
        time.sleep(0.03)
    return result


DRAWN = re.compile(r"^(applied-hash|config-hash|certificate-serial|made-for|certificate|certificate-seal)$")


def comparable(item, namespace):
    """The object without what a server, a clock or a random generator makes of it."""
    for owner in item["metadata"].get("ownerReferences", []):
        item = json.loads(json.dumps(item).replace(owner["uid"], "OWNER"))
    item = json.loads(json.dumps(item).replace(namespace, "NAMESPACE"))
    meta = item["metadata"]
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation"):
        meta.pop(field, None)
    meta["fields"] = {f"{entry['manager']} {entry['operation']}": entry["fieldsV1"]
                      for entry in meta.pop("managedFields", []) if "subresource" not in entry}
    template = item.get("spec", {}).get("template", {}).get("metadata", {})
    for annotations in (meta.get("annotations", {}), template.get("annotations", {})):
        for key in annotations:
            if DRAWN.match(key.split("/")[-1]):
                annotations[key] = "drawn"
    if item["kind"] == "Secret":
        item["data"] = {key: bool(value) if key.startswith("tls.") else len(base64.b64decode(value))
                        for key, value in item.get("data", {}).items()}
    if item["kind"] == "ConfigMap":
        item["data"] = {key: re.sub(r"-----BEGIN[^-]*-----[^-]*-----END[^-]*-----", "PEM", value)
                        for key, value in item.get("data", {}).items()}
    if item["kind"] == "Service":
        for field in ("clusterIP", "clusterIPs"):
            item["spec"][field] = "None" if "None" in item["spec"][field] else "drawn"
    if item["kind"] == "CompanyHomeserver":
        status = item["status"]
        for condition in status["conditions"]:
            condition.pop("lastTransitionTime")
        for field in ("signingKeyId", "certificate", "administrator"):
            status[field] = sorted(status[field]) if isinstance(status.get(field), dict) else bool(status.get(field))
    else:
        item.pop("status", None)
    return item
