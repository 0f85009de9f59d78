"""A fresh etcd and kube-apiserver for one contestant, with an audit log of its requests."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import apiserver  # noqa: E402  (the contract tests' own server)
from process import cpu_seconds_of  # noqa: E402

# Who asks is told apart by user; the stand-in for Kubernetes' own controllers is not audited.
AUDITED = ["alphorn", "controller-runtime", "loader", "editor"]
USERS = [*AUDITED, "setter", "driver"]
READY_SECONDS = 120


class BenchServers(apiserver.Servers):
    """The contract tests' servers with room for thousands of tenants, users and an audit log."""

    def __init__(self, folder, logs):
        self.audit_log = folder / "audit.log"
        super().__init__(folder, logs)

    def etcd_flags(self, client, peer):
        return [*super().etcd_flags(client, peer), "--quota-backend-bytes=8589934592"]

    def apiserver_flags(self, etcd_port):
        policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
                  "omitStages": ["RequestReceived", "ResponseStarted"],
                  "rules": [{"level": "Metadata", "users": AUDITED}, {"level": "None"}]}
        (self.folder / "audit.json").write_text(json.dumps(policy))
        tokens = "".join(f"token-of-{user},{user},{user},system:masters\n" for user in USERS)
        with open(self.folder / "tokens.csv", "a", encoding="utf-8") as file:
            file.write(tokens)
        flags = [flag for flag in super().apiserver_flags(etcd_port)
                 if not flag.startswith("--service-cluster-ip-range")]
        return [*flags, "--service-cluster-ip-range=10.64.0.0/12",
                f"--audit-policy-file={self.folder}/audit.json",
                f"--audit-log-path={self.audit_log}", "--audit-log-maxsize=1000000"]

    def kubeconfig_of(self, user):
        config = json.loads(self.kubeconfig("token"))
        config["users"][0]["user"]["token"] = f"token-of-{user}"
        return json.dumps(config)


class Cluster:
    """A context: the servers run in it, with the definition, a storage class and no tenant yet."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="alphorn-bench-"))
        self.servers = BenchServers(self.folder, self.folder)
        deadline = time.monotonic() + READY_SECONDS
        while not self.servers.ready():
            if not self.servers.alive() or time.monotonic() > deadline:
                log = (self.folder / "kube-apiserver.log").read_text(errors="replace")
                self.__exit__()
                raise RuntimeError("the API server did not start:\n" + log[-2000:])
            time.sleep(0.2)
        for user in USERS:
            (self.folder / f"{user}.kubeconfig").write_text(self.servers.kubeconfig_of(user))
        self.audit_log = self.servers.audit_log
        self.install()
        return self

    def __exit__(self, *_):
        self.servers.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def kubeconfig(self, user):
        return str(self.folder / f"{user}.kubeconfig")

    def kubectl(self, *arguments, text=None):
        done = subprocess.run(
            [apiserver.hyperkube(), "kubectl", "--kubeconfig", self.kubeconfig("driver"),
             f"--cache-dir={self.folder}/kubectl", *arguments],
            input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def install(self):
        definition = ROOT / "crds" / "companyhomeservers.yaml"
        self.kubectl("apply", "--server-side", "-f", str(definition))
        self.kubectl("wait", "--for=condition=Established", "crd/companyhomeservers.alphorn.dev")
        storage_class = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                         "metadata": {"name": "bench", "annotations": {
                             "storageclass.kubernetes.io/is-default-class": "true"}},
                         "provisioner": "bench.alphorn.dev/none"}
        self.kubectl("apply", "-f", "-", text=json.dumps(storage_class))

    def cpu_seconds(self):
        """What etcd and the API server have used so far."""
        return sum(cpu_seconds_of(child.pid) for child in self.servers.children)
