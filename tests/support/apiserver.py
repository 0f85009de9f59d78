#!/usr/bin/env python3
"""A real etcd and kube-apiserver on loopback, for contract tests.

    apiserver.py start FOLDER    writes FOLDER/kubeconfig (client certificate) and
                                 FOLDER/kubeconfig-token once the server is ready
    apiserver.py stop FOLDER     ends both and removes their data

A supervisor keeps them. It also ends them when the program that called `start` (CTest) is gone, so
an interrupted run leaves nothing behind. The programs come from the playground's one Kubernetes
binary: $ALPHORN_HYPERKUBE, or what ./dev keeps in its cache.
"""
import base64
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

READY_SECONDS = 300
OUR_PORTS = range(20000, 29900)
ADMIN_TOKEN = "contract-test-admin-token"


def hyperkube():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.environ.get("ALPHORN_HYPERKUBE") or f"{cache}/alphorn/build/hyperkube"
    if not os.access(path, os.X_OK):
        sys.exit(f"{path} is not there: run `./dev test contract`, which builds it, "
                 "or name one with ALPHORN_HYPERKUBE")
    return path


def free_ports(count):
    """Ports of loopback that nobody has. Not of those that the kernel gives to whoever connects
    somewhere, who might take one before its server listens; nor of a cluster's NodePorts."""
    found = []
    for port in random.sample(OUR_PORTS, len(OUR_PORTS)):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"fewer than {count} ports of {OUR_PORTS} are free")


class Keys:
    """A certificate authority and what it signs, made with the openssl command."""

    def __init__(self, folder):
        self.folder = folder
        self.new_key("ca")
        self.openssl("req", "-x509", "-key", self.path("ca.key"), "-days", "2",
                     "-subj", "/CN=contract-test-ca", "-out", self.path("ca.crt"))

    def path(self, name):
        return str(self.folder / name)

    def text(self, name):
        return (self.folder / name).read_text()

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")

    def new_key(self, name):
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-out", self.path(f"{name}.key"))

    def leaf(self, name, subject, usage, alternatives=""):
        self.new_key(name)
        extensions = f"extendedKeyUsage={usage}\n"
        if alternatives:
            extensions += f"subjectAltName={alternatives}\n"
        (self.folder / f"{name}.ext").write_text(extensions)
        self.openssl("req", "-new", "-key", self.path(f"{name}.key"), "-subj", subject,
                     "-out", self.path(f"{name}.csr"))
        self.openssl("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path("ca.crt"),
                     "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", "2",
                     "-extfile", self.path(f"{name}.ext"), "-out", self.path(f"{name}.crt"))


def die_with_parent(how=signal.SIGKILL):
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, how)


class Servers:
    """etcd and kube-apiserver as children of this process."""

    def __init__(self, folder, logs):
        self.folder = folder
        self.logs = logs
        self.children = []
        self.program = hyperkube()
        self.keys = Keys(folder)
        client, peer, self.port = free_ports(3)
        self.keys.leaf("server", "/CN=kube-apiserver", "serverAuth",
                       "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,IP:127.0.0.1")
        self.keys.leaf("admin", "/O=system:masters/CN=admin", "clientAuth")
        self.keys.new_key("accounts")
        self.keys.openssl("pkey", "-in", self.keys.path("accounts.key"), "-pubout",
                          "-out", self.keys.path("accounts.pub"))
        (folder / "tokens.csv").write_text(f"{ADMIN_TOKEN},token-admin,1,system:masters\n")
        self.spawn("etcd", self.etcd_flags(client, peer))
        self.spawn("kube-apiserver", self.apiserver_flags(client))

    def etcd_flags(self, client, peer):
        client_url, peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        return ["--name=contract", f"--data-dir={self.folder}/etcd", "--log-level=warn",
                "--unsafe-no-fsync", f"--listen-client-urls={client_url}",
                f"--advertise-client-urls={client_url}", f"--listen-peer-urls={peer_url}",
                f"--initial-advertise-peer-urls={peer_url}", f"--initial-cluster=contract={peer_url}"]

    def apiserver_flags(self, etcd_port):
        path = self.keys.path
        return [f"--etcd-servers=http://127.0.0.1:{etcd_port}", "--bind-address=127.0.0.1",
                f"--secure-port={self.port}", "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/16",
                "--authorization-mode=RBAC", f"--client-ca-file={path('ca.crt')}",
                f"--tls-cert-file={path('server.crt')}",
                f"--tls-private-key-file={path('server.key')}",
                f"--token-auth-file={path('tokens.csv')}",
                # Nobody makes service accounts here, and without one no pod would be admitted.
                "--disable-admission-plugins=ServiceAccount", "--profiling=false",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={path('accounts.pub')}",
                f"--service-account-signing-key-file={path('accounts.key')}"]

    def spawn(self, name, flags):
        log = open(self.logs / f"{name}.log", "wb")
        self.children.append(subprocess.Popen(
            [self.program, name, *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            cwd=self.folder, preexec_fn=die_with_parent))

    def alive(self):
        return all(child.poll() is None for child in self.children)

    def ready(self):
        context = ssl.create_default_context(cafile=self.keys.path("ca.crt"))
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}/readyz",
                                         headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        try:
            with urllib.request.urlopen(request, timeout=2, context=context) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kubeconfig(self, user):
        def data(name):
            return base64.b64encode(self.keys.text(name).encode()).decode()
        users = {"certificate": {"client-certificate-data": data("admin.crt"),
                                 "client-key-data": data("admin.key")},
                 "token": {"token": ADMIN_TOKEN}}
        return json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "contract",
            "clusters": [{"name": "contract", "cluster": {
                "server": f"https://127.0.0.1:{self.port}",
                "certificate-authority-data": data("ca.crt")}}],
            "users": [{"name": "admin", "user": users[user]}],
            "contexts": [{"name": "contract",
                          "context": {"cluster": "contract", "user": "admin"}}]}, indent=1)

    def stop(self):
        for child in reversed(self.children):  # the API server first
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def supervise(out, owner):
    """Runs until SIGTERM, until a server ends, or until `owner` is gone."""
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    data = pathlib.Path(tempfile.mkdtemp(prefix="alphorn-apiserver-"))
    servers = None
    try:
        servers = Servers(data, out)
        while not stopping and servers.alive() and not servers.ready():
            time.sleep(0.2)
        if servers.alive() and not stopping:
            write_atomically(out / "kubeconfig-token", servers.kubeconfig("token"))
            write_atomically(out / "kubeconfig", servers.kubeconfig("certificate"))
        while not stopping and servers.alive() and is_running(owner):
            time.sleep(0.5)
    finally:
        for name in ("kubeconfig", "kubeconfig-token"):
            (out / name).unlink(missing_ok=True)
        if servers:
            servers.stop()
        shutil.rmtree(data, ignore_errors=True)


def write_atomically(path, text):
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(path)


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def is_supervisor(pid):
    try:
        return b"apiserver.py" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def start(out):
    hyperkube()  # says what is missing before anything is started
    stop(out)
    out.mkdir(parents=True, exist_ok=True)
    owner = os.getppid()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        log = os.open(out / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        status = 1
        try:
            supervise(out, owner)
            status = 0
        finally:
            os._exit(status)
    (out / "supervisor.pid").write_text(str(pid))
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if (out / "kubeconfig").exists():
            return
        if not is_running(pid):
            break
        time.sleep(0.1)
    tails = []
    for log in sorted(out.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-15:]
        tails.append(f"--- {log}\n" + "\n".join(lines))
    stop(out)
    sys.exit(f"the API server ended or is not ready after {READY_SECONDS} s\n" + "\n".join(tails))


def stop(out):
    try:
        pid = int((out / "supervisor.pid").read_text())
    except (OSError, ValueError):
        return
    if is_supervisor(pid):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 120
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
    (out / "supervisor.pid").unlink(missing_ok=True)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    {"start": start, "stop": stop}[sys.argv[1]](pathlib.Path(sys.argv[2]).resolve())


if __name__ == "__main__":
    main()
