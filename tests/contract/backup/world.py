"""A homeserver with something in it, and the backup programs as their pods run them.

The programs run in the playground's own image: as its user, with a root that cannot be written, /tmp in memory.
"""

import base64
import contextlib
import functools
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))

from apiserver import die_with_parent, free_ports  # noqa: E402  (found beside the other test programs)
from synapse import SYNAPSE_USER, Synapse, unpack  # noqa: E402

SCRIPTS = ROOT / "operator/manifests/scripts/backup"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGP8z8Dwn4GBgYEBlzAAGM8CAYhmsncAAAAASUVORK5CYII=")
QUICK = {"per_second": 1000, "burst_count": 1000}
SETTINGS = {"bcrypt_rounds": 4, "rc_message": QUICK, "rc_login": {"address": QUICK, "account": QUICK}}
OWNER = "uid-of-acme/cluster-one"
# $1 root, $2 folders that are the same inside, $3 scripts, $4 size of the cache, then the command.
INSIDE = """
mount --rbind "$1" "$1" && mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" &&
mkdir -p "$1/etc/backup" "$1/cache" && mount --bind "$3" "$1/etc/backup" &&
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$1/tmp" &&
mount -t tmpfs -o size="$4",mode=1777 tmpfs "$1/cache" &&
for shared in $2; do mkdir -p "$1$shared" && mount --rbind "$shared" "$1$shared" || exit 99; done &&
mount -o remount,bind,ro "$1" || exit 99
root=$1; shift 4
exec chroot --userspec=10001:10001 "$root" env -i PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin HOME=/tmp \
  TMPDIR=/cache PYTHONDONTWRITEBYTECODE=1 "$@"
"""


class Image:
    """The image of the backup programs, unpacked."""

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="alphorn-backup-image-")
        self.root = pathlib.Path(self._folder) / "backup"
        unpack("backup", self.root)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self._folder, ignore_errors=True)

    def command(self, folders, *command, cache="512m"):
        return ["unshare", "--mount", "sh", "-c", INSIDE, "sh", str(self.root), " ".join(map(str, folders)),
                str(SCRIPTS), cache, *map(str, command)]


class Ran:
    def __init__(self, code, words, output):
        self.code, self.words, self.output = code, words, output


class Programs:
    """Runs the programs. `folder` holds all that they read and write, as `more` folders do."""

    def __init__(self, image, folder, *more):
        self.image, self.folder, self._folders = image, folder, (folder, *more)
        self.folder.chmod(0o777)
        self._count = 0

    def start(self, name, request, environment=()):
        self._count += 1
        words = self.folder / f"words-{self._count}"
        path = self.folder / f"request-{self._count}.json"
        path.write_text(json.dumps(dict(request, lastWords=str(words))))
        words.touch()
        words.chmod(0o666)
        child = subprocess.Popen(
            self.image.command(self._folders, *environment, "python3", f"/etc/backup/{name}.py", path),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=functools.partial(die_with_parent, signal.SIGTERM))
        child.words = words
        return child

    @staticmethod
    def end(child, timeout=300):
        output = child.communicate(timeout=timeout)[0]
        text = child.words.read_text()
        return Ran(child.returncode, json.loads(text) if text else None, output)

    def run(self, name, request, code=0, environment=()):
        """Its last words; fails unless it ends with `code`."""
        ran = self.end(self.start(name, request, environment))
        print(f"{name}: {ran.code} {json.dumps(ran.words)[:1500]}", flush=True)
        assert ran.code == code, f"{name} ended with {ran.code}: {ran.output[-4000:]}"
        return ran.words

    def refused(self, name, request, reason, code=3):
        words = self.run(name, request, code)
        assert (words["result"], words["reason"]) == ("failed", reason), words
        assert len(words["error"]) > 20
        return words

    def restic_command(self, repository, *arguments, password=None):
        return self.image.command(
            self._folders, f"RESTIC_REPOSITORY={repository.url}", "RESTIC_CACHE_DIR=/cache/restic",
            f"RESTIC_PASSWORD_FILE={password or repository.folder / 'password'}", *repository.environment(),
            "restic", *repository.options(), *arguments)

    @contextlib.contextmanager
    def lock(self, repository, exclusive=False):
        """Another restic that works in the repository, for as long as this is entered."""
        what = ["check", "--read-data"] if exclusive else ["backup", "--stdin"]
        holder = subprocess.Popen(self.restic_command(repository, *what), stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL,
                                  preexec_fn=functools.partial(die_with_parent, signal.SIGTERM))
        deadline = time.monotonic() + 60
        while not repository.locks() and time.monotonic() < deadline:
            time.sleep(0.005)
        assert repository.locks() and holder.poll() is None
        holder.send_signal(signal.SIGSTOP)
        try:
            yield holder
        finally:
            holder.send_signal(signal.SIGCONT)
            holder.send_signal(signal.SIGINT)
            holder.stdin.close()
            holder.wait(60)

    def restic(self, repository, *arguments, code=0, text="", password=None):
        """restic by hand, as a person with the password runs it."""
        done = subprocess.run(
            self.restic_command(repository, *arguments, password=password),
            input=text, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"restic {arguments}: {done.returncode} {done.stderr[-2000:]}"
        return done.stdout


class FolderRepository:
    def __init__(self, folder):
        self.path = folder / f"repository-{secrets.token_hex(4)}"
        self.path.mkdir()
        os.chown(self.path, SYNAPSE_USER, SYNAPSE_USER)
        self.url = str(self.path)
        self.folder = folder / f"{self.path.name}-keys"
        self.folder.mkdir()
        (self.folder / "password").write_text(secrets.token_urlsafe(24) + "\n")

    @staticmethod
    def environment():
        return []

    @staticmethod
    def options():
        return []

    def settings(self, **more):
        return {"url": self.url, "region": "", "folder": str(self.folder), "ca": None, **more}

    def locks(self):
        return [name for name in os.listdir(self.path / "locks") if "-tmp-" not in name]

    def packs(self):
        return sorted((path for path in (self.path / "data").rglob("*") if path.is_file()),
                      key=lambda path: path.stat().st_size)


class Company:
    """The homeserver's side: its database, uploads and keys, as requests name them."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.data = server.folder / "synapse/data"
        self.media = self.data / "media"
        self._targets = 0
        secret = folder / "set/secrets/acme-homeserver-keys"
        (secret / "..2026").mkdir(parents=True)
        (secret / "..2026/signing.key").write_text((self.data / "signing.key").read_text())
        (secret / "..data").symlink_to("..2026")
        (secret / "signing.key").symlink_to("..data/signing.key")
        (folder / "set/company.json").write_text(json.dumps(
            {"resource": {"kind": "CompanyHomeserver"}, "secrets": [{"name": "acme-homeserver-keys"}]}))

    def live(self, people=3, messages=20, uploads=12):
        """People, a room, messages, files with thumbnails, and keys that must never be given out twice."""
        server = self.server
        room = server.call("POST", "/_matrix/client/v3/createRoom", {"name": "Office"}, server.token)[1]["room_id"]
        for index in range(people):
            user = f"%40p{index}%3A{server.server_name}"
            server.call("PUT", f"/_synapse/admin/v2/users/{user}", {"password": "Xy7-long-enough"}, server.token, 201)
        for index in range(messages):
            server.call("PUT", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/send/m.room.message/{index}",
                        {"msgtype": "m.text", "body": f"message {index}"}, server.token)
        self.upload(PICTURE, "image/png")
        for index in range(uploads):
            self.upload(os.urandom(1000 + 40000 * index), "application/octet-stream")
        token = server.log_in("p0", "Xy7-long-enough")
        server.call("POST", "/_matrix/client/v3/keys/upload",
                    {"one_time_keys": {"signed_curve25519:AAAA": {"key": "A" * 43, "signatures": {}}}}, token)

    def upload(self, content, kind):
        request = urllib.request.Request(
            f"{self.server.url}/_matrix/media/v3/upload", data=content, method="POST",
            headers={"Authorization": f"Bearer {self.server.token}", "Content-Type": kind})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["content_uri"]

    def put_uploads(self, contents):
        """As if somebody had uploaded {id: content}, and at the price of files."""
        rows = []
        for media_id, content in contents:
            path = self.media / f"local_content/{media_id[:2]}/{media_id[2:4]}/{media_id[4:]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            rows.append(f"('{media_id}', 'image/png', {len(content)}, 0, '@p0:{self.server.server_name}', "
                        f"'{hashlib.sha256(content).hexdigest()}')")
        subprocess.run(["chown", "-R", f"{SYNAPSE_USER}:{SYNAPSE_USER}", str(self.media)], check=True)
        for first in range(0, len(rows), 200):
            self.run_sql("INSERT INTO local_media_repository (media_id, media_type, media_length, created_ts, user_id, "
                         "sha256) VALUES " + ", ".join(rows[first:first + 200]))

    def login(self, name, database, user="synapse", is_homeserver=True):
        path = self.folder / f"login-{secrets.token_hex(4)}.conf"
        path.write_text(f"[it]\nhost=127.0.0.1\nport={self.server.database_port}\ndbname={database}\nuser={user}\n")
        return {"name": name, "serviceFile": str(path), "service": "it", "isHomeserver": is_homeserver}

    def making(self, repository, name, /, **more):
        return {"set": name, "owner": OWNER, "synapseVersion": "v1",
                "company": {"name": "acme", "namespace": "tenants", "uid": "u", "serverName": "acme.example"},
                "repository": repository.settings(), "databases": [self.login("synapse", "synapse")],
                "media": str(self.media), "folder": str(self.folder / "set"),
                "signingKeyFile": str(self.folder / "set/secrets/acme-homeserver-keys/signing.key"),
                "retention": {"daily": 7, "weekly": 4, "monthly": 12, "yearly": 0}, "holds": [],
                "clientKeyFile": None, "jitterSeconds": 0, "pruneEveryDays": 7, **more}

    def target(self, options="LC_COLLATE 'C' LC_CTYPE 'C'"):
        """(name of an empty database that a plain role owns, an empty folder)."""
        self._targets += 1
        name = f"target{self._targets}"
        self.run_sql("DO $$ BEGIN CREATE ROLE fresh LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
                     "postgres")
        self.run_sql(f"CREATE DATABASE {name} OWNER fresh TEMPLATE template0 ENCODING 'UTF8' {options}", "postgres")
        folder = self.data / name
        folder.mkdir()
        os.chown(folder, SYNAPSE_USER, SYNAPSE_USER)
        return name, folder

    def filling(self, repository, target, name="latest", /, **more):
        database, folder = target
        return {"repository": repository.settings(), "set": name, "media": str(folder), "restore": "restore-1",
                "databases": [self.login("synapse", database, "fresh")], "holdTransactions": True, **more}

    def run_sql(self, text, database="synapse"):
        done = self.server.sql(text, database)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def value(self, text, database="synapse"):
        return self.run_sql(text, database).splitlines()[2].strip()


class Bucket:
    """A repository in a bucket, behind TLS."""

    def __init__(self, server, folder, name):
        self.folder = folder / f"{name}-keys"
        self.folder.mkdir()
        self.url = f"s3:{server.endpoint}/{name}/acme"
        self.ca = folder / f"{name}-ca.crt"
        self.ca.write_text(server.ca_file.read_text())
        for file, text in (("password", secrets.token_urlsafe(24)), ("access-key-id", server.key_id),
                           ("secret-access-key", server.secret)):
            (self.folder / file).write_text(text + "\n")

    def environment(self):
        return [f"AWS_ACCESS_KEY_ID={(self.folder / 'access-key-id').read_text().strip()}",
                f"AWS_SECRET_ACCESS_KEY={(self.folder / 'secret-access-key').read_text().strip()}"]

    def options(self):
        return ["--cacert", str(self.ca)]

    def settings(self, **more):
        return {"url": self.url, "region": "ch-gva", "folder": str(self.folder), "ca": str(self.ca), **more}


class Office:
    """All of it: entered once for the tests of a file."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alphorn-backup-")))
            self.folder.chmod(0o755)
            image = stack.enter_context(Image())
            self.server = stack.enter_context(Synapse(settings=SETTINGS))
            self.company = Company(self.server, self.folder)
            self.company.live()
            self.programs = Programs(image, self.folder, self.company.data)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def repository(self):
        return FolderRepository(self.folder)

    @contextlib.contextmanager
    def copy_server(self, target):
        """A second Synapse on a filled copy, and the part of a drill's request that names it."""
        (name, folder), server, data = target, self.server, self.company.data
        port, = free_ports(1)
        config = yaml.safe_load((data / "homeserver.yaml").read_text())
        config["database"]["args"] |= {"dbname": name, "user": "fresh"}
        config["media_store_path"], config["pid_file"] = f"/data/{folder.name}", "/data/copy.pid"
        config["listeners"][0]["port"] = port
        (data / "copy.yaml").write_text(yaml.safe_dump(config))
        (self.folder / "registration").write_text(server.registration_secret)
        child = server.spawn("copy", server.inside(
            "synapse", SYNAPSE_USER, "LD_PRELOAD=libjemalloc.so.2", "HOME=/data", "python3", "-m",
            "synapse.app.homeserver", "-c", "/data/copy.yaml"))
        try:
            yield {"homeserver": f"http://127.0.0.1:{port}", "patienceSeconds": 300,
                   "registrationSecretFile": str(self.folder / "registration"),
                   "databases": [self.company.login("synapse", name, "fresh")]}
        except BaseException:
            print("--- copy.log", (server.folder / "copy.log").read_text(errors="replace")[-3000:], sep="\n")
            raise
        finally:
            server.children.remove(child)
            child.terminate()
            child.wait(30)
