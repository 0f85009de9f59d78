#!/usr/bin/env python3
"""A real Synapse on a real Postgres, on loopback, with the configuration that the operator renders.

    synapse.py [SERVER_NAME]     starts one, prints where it is, and ends it on Ctrl-C

Both programs come out of the playground's images, which ./dev keeps in its cache (or out of the folder
that ALPHORN_IMAGES names). Needs root: each runs in a root directory and a mount namespace of its own.
"""
import functools
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

import yaml

from apiserver import die_with_parent, free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/minimal/homeserver.yaml"
READY_SECONDS = 300
POSTGRES_USER, SYNAPSE_USER = 999, 10001
POSTGRES = "/usr/lib/postgresql/15/bin"
ADMINISTRATOR = "alphorn"


def images():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("ALPHORN_IMAGES") or f"{cache}/alphorn/images")


def unpack(image, target):
    """The one layer of the newest archive of an image."""
    archives = sorted(images().glob(f"{image}-*.tar"), key=lambda path: path.stat().st_mtime)
    if not archives:
        sys.exit(f"{images()} holds no image of {image}: run ./dev up once, which builds it")
    target.mkdir()
    with tarfile.open(archives[-1]) as archive:
        layer, = json.load(archive.extractfile("manifest.json"))[0]["Layers"]
        pipe = subprocess.Popen(["tar", "-xpf", "-", "-C", str(target)], stdin=subprocess.PIPE)
        shutil.copyfileobj(archive.extractfile(layer), pipe.stdin, 1 << 20)
        pipe.stdin.close()
        if pipe.wait() != 0:
            sys.exit(f"{archives[-1]} cannot be unpacked")


class Synapse:
    """Starts when it is entered, ends and leaves nothing when it is left."""

    def __init__(self, server_name="acme.example", settings=None):
        self.server_name = server_name
        self.settings = settings or {}
        self.password = secrets.token_urlsafe(24)
        self.children = []

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="alphorn-synapse-"))
        try:
            for image in ("postgres", "synapse"):
                unpack(image, self.folder / image)
            self.database_port, self.port = free_ports(2)
            self.url = f"http://127.0.0.1:{self.port}"
            self.start_postgres()
            self.configure()
            self.start_synapse()
            self.register_administrator()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def inside(self, image, user, *command):
        """A command that runs in an image's root directory, with the host's devices."""
        root = self.folder / image
        script = 'mount --rbind /dev "$1/dev" && root="$1" && shift && user="$1" && shift && ' \
                 'exec chroot --userspec="$user:$user" "$root" "$@"'
        return ["unshare", "--mount", "sh", "-c", script, "sh", str(root), str(user),
                "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", *command]

    def folder_for(self, image, user, name):
        path = self.folder / image / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(path, user, user)
        return path

    def spawn(self, name, command):
        log = open(self.folder / f"{name}.log", "ab")
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 preexec_fn=functools.partial(die_with_parent, signal.SIGTERM))
        self.children.append(child)
        return child

    def start_postgres(self):
        self.folder_for("postgres", POSTGRES_USER, "data")
        self.folder_for("postgres", POSTGRES_USER, "run/sockets")
        subprocess.run(self.inside("postgres", POSTGRES_USER, f"{POSTGRES}/initdb", "-D", "/data/pg",
                                   "--locale=C", "--encoding=UTF8", "--auth=trust",
                                   "--username=synapse", "--no-sync"),
                       check=True, stdout=subprocess.DEVNULL)
        self.spawn("postgres", self.inside(
            "postgres", POSTGRES_USER, f"{POSTGRES}/postgres", "-D", "/data/pg",
            "-c", f"port={self.database_port}", "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=/run/sockets", "-c", "max_connections=50",
            "-c", "dynamic_shared_memory_type=mmap"))

        self.wait_until("Postgres answers",
                        lambda: self.sql("CREATE DATABASE synapse", "postgres").returncode == 0)

    def sql(self, text, database="synapse"):
        return subprocess.run(
            self.inside("postgres", POSTGRES_USER, f"{POSTGRES}/psql", "-h", "/run/sockets", "-p",
                        str(self.database_port), "-U", "synapse", "-d", database, "-v",
                        "ON_ERROR_STOP=1", "-c", text), capture_output=True, text=True, check=False)

    def configure(self):
        """What the operator renders, but for what only a pod has: paths, files, and the ports."""
        data = yaml.safe_load(GOLDEN.read_text().split("\n---\n")[0])["data"]
        config = yaml.safe_load(data["homeserver.yaml"])
        for name in ("form_secret_path", "macaroon_secret_key_path",
                     "registration_shared_secret_path"):
            del config[name]
        self.registration_secret = secrets.token_urlsafe(24)
        config |= {
            "server_name": self.server_name, "signing_key_path": "/data/signing.key",
            "form_secret": secrets.token_urlsafe(24), "log_config": "/data/log.yaml",
            "macaroon_secret_key": secrets.token_urlsafe(24),
            "registration_shared_secret": self.registration_secret,
            "media_store_path": "/data/media", "pid_file": "/data/homeserver.pid",
            "public_baseurl": self.url + "/",
            "database": {"name": "psycopg2", "txn_limit": 1000, "args": {
                "host": "127.0.0.1", "port": self.database_port, "user": "synapse",
                "dbname": "synapse", "cp_min": 5, "cp_max": 10}},
            "listeners": [{"port": self.port, "type": "http", "bind_addresses": ["127.0.0.1"],
                           "resources": [{"names": ["client", "keys"], "compress": False}]}],
        }
        config["password_config"]["pepper"] = secrets.token_urlsafe(24)
        config["enable_metrics"] = False
        config |= self.settings
        folder = self.folder_for("synapse", SYNAPSE_USER, "data")
        (folder / "homeserver.yaml").write_text(yaml.safe_dump(config))
        (folder / "log.yaml").write_text(data["log.yaml"].replace("INFO", "WARNING"))
        (folder / "signing.key").write_text(
            "ed25519 a_test " + "A" * 43 + "\n")

    def start_synapse(self):
        # From 1.163 on the main process keeps itself small by it; the image asks for it as well.
        self.main = self.spawn("synapse", self.inside(
            "synapse", SYNAPSE_USER, "LD_PRELOAD=libjemalloc.so.2", "HOME=/data", "python3", "-m",
            "synapse.app.homeserver", "-c", "/data/homeserver.yaml"))
        self.wait_until("Synapse answers", lambda: self.call("GET", "/health", expect=None)[0] == 200)

    def restart(self):
        """Synapse alone: what it had cached is gone."""
        self.children.remove(self.main)
        self.main.terminate()
        self.main.wait(120)
        self.start_synapse()

    def wait_until(self, what, holds):
        deadline = time.monotonic() + READY_SECONDS
        while not holds():
            dead = [child for child in self.children if child.poll() is not None]
            if dead or time.monotonic() > deadline:
                for log in self.folder.glob("*.log"):
                    print(f"--- {log.name}", log.read_text(errors="replace")[-3000:], sep="\n")
                raise RuntimeError(f"not within {READY_SECONDS} s, or it ended: {what}")
            time.sleep(0.1)

    def export(self, user_id):
        """The folder that Synapse's own tool has written about a person."""
        subprocess.run(self.inside("synapse", SYNAPSE_USER, "python3", "-m", "synapse.app.admin_cmd",
                                   "-c", "/data/homeserver.yaml", "export-data", user_id,
                                   "--output-directory", "/tmp/export"),
                       check=True, capture_output=True)
        return str(self.folder / "synapse/tmp/export")

    def call(self, method, path, body=None, token=None, expect=200, timeout=300):
        """(status, JSON). Fails unless the status is `expect`; None takes any, 0 for no answer."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            self.url + path, method=method, headers=headers,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError:
            status, text = 0, b""
        try:
            value = json.loads(text or b"{}")
        except ValueError:
            value = {"text": text.decode(errors="replace")}
        assert expect in (None, status), f"{method} {path}: {status} {value}"
        return status, value

    def register_administrator(self):
        nonce = self.call("GET", "/_synapse/admin/v1/register")[1]["nonce"]
        text = "\0".join([nonce, ADMINISTRATOR, self.password, "admin"])
        mac = hmac.new(self.registration_secret.encode(), text.encode(), hashlib.sha1).hexdigest()
        answer = self.call("POST", "/_synapse/admin/v1/register",
                           {"nonce": nonce, "username": ADMINISTRATOR, "password": self.password,
                            "admin": True, "mac": mac})[1]
        self.token = answer["access_token"]

    def log_in(self, localpart, password):
        """An access token, or None when the password is refused."""
        status, answer = self.call(
            "POST", "/_matrix/client/v3/login",
            {"type": "m.login.password", "password": password,
             "identifier": {"type": "m.id.user", "user": localpart}}, expect=None)
        return answer["access_token"] if status == 200 else None


def main():
    with Synapse(*sys.argv[1:2]) as server:
        print(json.dumps({"url": server.url, "serverName": server.server_name,
                          "token": server.token, "password": server.password,
                          "folder": str(server.folder)}), flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.pause()


if __name__ == "__main__":
    main()
