"""A company's repository: restic, told what it needs by files and environment, and what its complaints mean."""

import collections
import contextlib
import datetime
import json
import os
import re
import subprocess
import threading
import time

import bucket
from outcome import Failure, before_leaving, log, spawn, stop

PART, MANIFEST = "part=", "part=manifest"
# Of a dead pod a lock is taken for stale by restic after half an hour.
LOCK_PATIENCE = 2100
BETWEEN_TRIES = 15
# Of the pod; and where Debian keeps the authorities of the world.
MEMORY, WORLD = "/tmp", "/etc/ssl/certs/ca-certificates.crt"
# As long as S3 may be gone before a run gives up; restic alone would go on for a quarter of an hour.
PATIENCE = 300

# What restic says, by the first that matches: (pattern, reason, what to do, futile).
COMPLAINTS = (
    (r"wrong password or no key found", "RepositoryWrongPassword",
     "the repository does not open with this password: put the right one in the Secret", True),
    (r"repository is already locked|unable to create lock", "RepositoryLocked",
     "another program works in the repository: it is tried again later", False),
    (r"no space left on device|disk quota exceeded|QuotaExceeded|StorageFull|InsufficientStorage", "RepositoryFull",
     "the repository has no room left: give it more, or keep fewer sets", False),
    (r"specified bucket does not exist|NoSuchBucket|MakeBucket", "RepositoryMissingBucket",
     "the bucket does not exist: make it", True),
    (r"Access ?Denied|Access Key Id you provided|InvalidAccessKeyId|SignatureDoesNotMatch|"
     r"signature we calculated|403 Forbidden", "RepositoryRefused",
     "the S3 server refuses the key: put the right one in the Secret", True),
    (r"ciphertext verification failed|hash mismatch|invalid data returned|integrity check|not found in (the )?index|"
     r"unexpected EOF while reading pack|blob .* not found|wrong data returned|invalid character|"
     r"Load\(<.*does not exist|"
     r"load <.*no such file|The specified key does not exist|object not found|does not match id|broken pack|"
     r"repository contains errors", "RepositoryDamaged",
     "the repository is damaged: run restic check and keep a copy before anything else", True),
    (r"dial tcp|connection re(fused|set)|i/o timeout|no such host|x509|TLS handshake|deadline exceeded|EOF|"
     r"server closed|Internal ?Error|Service ?Unavailable|SlowDown|50[0-9] ", "RepositoryUnreachable",
     "the repository does not answer: check the server and the network", False),
    (r"permission denied|read-only file system", "RepositoryRefused",
     "the folder of the repository cannot be written: check the volume and its owner", True),
)
AT_ONCE = ("RepositoryRefused", "RepositoryMissingBucket")
NONE_YET = re.compile(r"unable to open config file: .*(no such file|does not exist|NoSuchKey)", re.S)


class NoRepository(Exception):
    pass


def failure_of(said):
    """The Failure that restic's words mean."""
    for pattern, reason, remedy, futile in COMPLAINTS:
        found = re.search(pattern, said, re.I)
        if found:
            line = next(line for line in said.splitlines() if pattern_in(pattern, line)) if said else ""
            return Failure(reason, f"{remedy} ({line.strip()[:200]})", futile)
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    return Failure("Failed", f"restic failed: {last[0][:300]}")


def pattern_in(pattern, line):
    return re.search(pattern, line, re.I) is not None


def with_the_worlds(path):
    """A file of those authorities and of the world's: restic takes either, and a server moves to a public one."""
    bundle = os.path.join(MEMORY, "authorities.crt")
    with open(bundle, "w", encoding="utf-8") as file:
        for source in (path, WORLD):
            with contextlib.suppress(FileNotFoundError), open(source, encoding="utf-8") as certificates:
                file.write(certificates.read() + "\n")
    return bundle


class Running:
    """A restic that runs. Ends it when it retries what cannot get better, or for too long."""

    def __init__(self, command, environment, patience, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        self.child = spawn(command, env=environment, stderr=subprocess.PIPE, **options)
        self.said = collections.deque(maxlen=200)
        self._patience, self._first, self._damage = patience, None, 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.child.stderr:
            text = line.decode(errors="replace").rstrip()
            if text:
                self.said.append(text)
            if "retrying after" in text:
                self._judge(text)

    def _judge(self, text):
        reason = failure_of(text).reason
        now = time.monotonic()
        self._first = self._first or now
        self._damage += reason == "RepositoryDamaged"
        if reason in AT_ONCE or self._damage > 2 or now - self._first > self._patience:
            self.said.append(text)
            stop(self.child)

    def failure(self):
        """Why it has ended, once it has."""
        self._reader.join(5)
        return failure_of("\n".join(self.said))


class Backing(Running):
    """A restic that makes a snapshot and tells of it in JSON."""

    def __init__(self, *arguments, **options):
        self.unread, self._summary = [], None
        super().__init__(*arguments, stdout=subprocess.PIPE, **options)
        self._teller = threading.Thread(target=self._listen, daemon=True)
        self._teller.start()

    def _listen(self):
        for line in self.child.stdout:
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if told.get("message_type") == "summary":
                    self._summary = told

    def summary(self):
        """{"snapshot", "files", "bytes", "added"}; raises unless the snapshot was made. What could not be read of
        it is in `unread`, as (path, why)."""
        code = self.child.wait()
        self._teller.join()
        self._reader.join()
        for line in self.said:
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if told.get("message_type") == "error":
                    self.unread.append((told.get("item", ""), json.dumps(told.get("error", ""))))
        # 3: a snapshot was made, and something could not be read.
        if code not in (0, 3) or not self._summary:
            raise self.failure()
        told = self._summary
        return {"snapshot": told["snapshot_id"], "files": told["total_files_processed"],
                "bytes": told["total_bytes_processed"],
                "added": told.get("data_added_packed", told["data_added"])}


class Repository:
    def __init__(self, settings):
        self._settings = settings
        self._authorities = with_the_worlds(settings["ca"]) if settings.get("ca") else None
        self._patience = settings.get("patienceSeconds", PATIENCE)
        self._lock_patience = settings.get("lockPatienceSeconds", LOCK_PATIENCE)
        # A restic that is interrupted just when it writes its lock leaves it.
        before_leaving(self.unlock)

    def _secret(self, name):
        try:
            with open(os.path.join(self._settings["folder"], name), encoding="utf-8") as file:
                return file.read().strip()
        except OSError:
            raise Failure("RepositoryRefused", f"the repository's Secret has no {name}: put it there", True) from None

    def _is_s3(self):
        return self._settings["url"].startswith("s3:")

    def prove(self):
        """Raises when the server, the bucket or the volume cannot be used; says so within seconds."""
        if self._is_s3():
            bucket.ask(self._settings["url"], self._settings.get("region"), self._secret("access-key-id"),
                       self._secret("secret-access-key"), self._authorities)

    def _environment(self, password_file):
        cache = os.path.join(os.environ.get("TMPDIR", "/cache"), "restic")
        os.makedirs(cache, exist_ok=True)
        kept = ("PATH", "HOME", "TMPDIR", "LC_ALL", "SSL_CERT_FILE")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {
            "RESTIC_REPOSITORY": self._settings["url"],
            "RESTIC_PASSWORD_FILE": password_file or os.path.join(self._settings["folder"], "password"),
            "RESTIC_CACHE_DIR": cache,
            "RESTIC_PROGRESS_FPS": "0.1",
        }
        if self._is_s3():
            environment["AWS_ACCESS_KEY_ID"] = self._secret("access-key-id")
            environment["AWS_SECRET_ACCESS_KEY"] = self._secret("secret-access-key")
            environment["AWS_DEFAULT_REGION"] = self._settings.get("region") or "us-east-1"
        return environment

    def start(self, *arguments, kind=Running, password_file=None, **options):
        command = ["restic"]
        if self._authorities:
            command += ["--cacert", self._authorities]
        return kind([*command, *arguments], self._environment(password_file), self._patience, **options)

    def start_backup(self, what, tags, host, **options):
        return self.start("backup", "--json", "--host", host, "--tag", ",".join(tags), *what, kind=Backing, **options)

    def backup(self, what, tags, host, text=None, **options):
        """(summary, what could not be read). `text` is the content of --stdin."""
        return self.patiently(lambda: self._backup(what, tags, host, text, dict(options)))

    def _backup(self, what, tags, host, text, options):
        if text is not None:
            options["stdin"] = subprocess.PIPE
        storing = self.start_backup(what, tags, host, **options)
        if text is not None:
            with contextlib.suppress(BrokenPipeError):
                storing.child.stdin.write(text.encode())
                storing.child.stdin.close()
        return storing.summary(), storing.unread

    def _once(self, arguments, options):
        running = self.start(*arguments, stdout=subprocess.PIPE, **options)
        output = running.child.stdout.read()
        if running.child.wait() != 0:
            failure = running.failure()
            if NONE_YET.search("\n".join(running.said)):
                raise NoRepository()
            raise failure
        return output.decode()

    def patiently(self, work, patient=True):
        """work(), again while the repository is locked: the lock may be given back, or turn out to be of the dead.
        Who is not patient tries once more, after what is stale was taken away."""
        deadline = time.monotonic() + (self._lock_patience if patient else 0)
        tried = False
        while True:
            try:
                return work()
            except Failure as failure:
                if failure.reason != "RepositoryLocked" or tried and time.monotonic() >= deadline:
                    raise
            log("finds the repository locked")
            self.unlock()
            if tried:
                time.sleep(min(BETWEEN_TRIES, max(0, deadline - time.monotonic())))
            tried = True

    def call(self, *arguments, patient=True, **options):
        """What it prints."""
        return self.patiently(lambda: self._once(arguments, options), patient)

    def unlock(self):
        """Takes away the locks that restic itself takes for stale, and no others."""
        self._once(["unlock"], {})

    def open(self):
        """Its sets. Makes it when there is none."""
        try:
            return self.sets()
        except NoRepository:
            self.call("init", "--repository-version", "2")
            log("made the repository")
            return Sets([])

    def snapshots(self):
        return [Snapshot(entry) for entry in json.loads(self.call("snapshots", "--json", "--no-lock") or "null") or []]

    def sets(self):
        return Sets(self.snapshots())

    def manifest(self, snapshot):
        return json.loads(self.call("dump", "--no-lock", snapshot.id, "/manifest.json"))

    def existing_sets(self):
        """The sets of a repository that must be there."""
        try:
            return self.sets()
        except NoRepository:
            raise Failure("SetMissing", "there is no repository at this address: check it", True) from None


def moment(text):
    return datetime.datetime.fromisoformat(text)


class Snapshot:
    def __init__(self, entry):
        self.id, self.time, self.tags = entry["id"], moment(entry["time"]), frozenset(entry.get("tags") or ())
        self.hostname = entry.get("hostname", "")

    def value_of(self, name):
        """What follows "name=" in a tag, or None."""
        values = [tag.partition("=")[2] for tag in self.tags if tag.startswith(name + "=")]
        return values[0] if values else None


class Sets:
    """Snapshots sorted into sets. What has no manifest is no set. Of two manifests of one set the older counts,
    so that all who look agree."""

    def __init__(self, snapshots):
        self.parts = [entry for entry in snapshots if entry.value_of("set")]
        self.committed, self.surplus = {}, []
        for entry in sorted(self.parts, key=lambda part: (part.time, part.id)):
            if MANIFEST not in entry.tags:
                continue
            if entry.value_of("set") in self.committed:
                self.surplus.append(entry)
            else:
                self.committed[entry.value_of("set")] = entry
        records = [entry for entry in snapshots if entry.value_of("upkeep")]
        self.records = sorted(records, key=lambda entry: entry.time)

    def newest_first(self):
        return sorted(self.committed, key=lambda name: self.committed[name].time, reverse=True)

    def latest(self):
        names = self.newest_first()
        return self.committed[names[0]] if names else None

    def find(self, name):
        """The manifest's snapshot of a set, or of the latest."""
        found = self.latest() if name in (None, "latest") else self.committed.get(name)
        if found:
            return found
        if any(part.value_of("set") == name for part in self.parts):
            raise Failure("SetIncomplete", f"set {name} was never finished: take another", True)
        raise Failure("SetMissing", f"the repository holds no set {name}: there are {len(self.committed)}", True)

    def last(self, what):
        """When the repository was last "pruned" or "checked", or None."""
        times = [entry.value_of(what) for entry in self.records if entry.value_of(what)]
        return max(times, default=None)
