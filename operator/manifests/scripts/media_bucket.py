"""Watches over the bucket that the homeserver keeps its files in, beside the homeserver.

Usage: media_bucket.py CONFIG MEDIA-FOLDER PORT

Asks the bucket again and again whether it takes and gives, and tells on PORT what it found, for the
operator. Once an hour it looks through MEDIA-FOLDER: what is there and not in the bucket is brought
there, which happens when a bucket is new; copies that were not used for long, and the oldest when
room is short, are removed, each only after the bucket has shown that it holds the file.
"""

import hashlib
import heapq
import http.server
import json
import os
import pathlib
import signal
import sys
import threading
import time

import boto3
import botocore.config
import botocore.exceptions
import yaml
from render_config import complete

# What Synapse gives to its media storage providers; url_cache is not among it.
KINDS = ("local_content", "local_thumbnails", "remote_content", "remote_thumbnail")
HOUR = 3600
WHILE_WELL = 300
WHILE_BROKEN = 10
# A sweep tells of itself at every file; a file has this long.
LONGEST_SILENCE = 900
# A copy that was written just now may still be in use.
YOUNGEST = 600
AT_ONCE = 1000
UNREACHABLE = "unreachable"


def log(**what):
    print(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **what}), flush=True)


def finding_of(error):
    """(what is wrong, in one word; the server's own code for it). Nothing that changes from try to try."""
    if isinstance(error, botocore.exceptions.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            return "missing", code
        if status in (301, 400, 401, 403, 307):
            return "refused", code
        return "failing", code or str(status)
    if isinstance(error, botocore.exceptions.SSLError):
        return "untrusted", ""
    return UNREACHABLE, ""


class Bucket:
    def __init__(self, config):
        self.name = config["bucket"]
        self.prefix = config["prefix"]
        self._storage_class = config["storage_class"]
        self.identity = hashlib.sha256(
            json.dumps([config.get("endpoint_url"), self.name, self.prefix]).encode()
        ).hexdigest()[:16]
        self._client = boto3.session.Session().client(
            "s3",
            region_name=config["region_name"],
            endpoint_url=config.get("endpoint_url"),
            aws_access_key_id=config["access_key_id"],
            aws_secret_access_key=config["secret_access_key"],
            config=botocore.config.Config(
                connect_timeout=5,
                read_timeout=20,
                retries={"max_attempts": 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def prove(self):
        """Throws unless it takes a file and gives it back."""
        key = self.prefix + "alphorn-check"
        text = b"Written by Alphorn to see whether this bucket takes and gives.\n"
        self._client.put_object(Bucket=self.name, Key=key, Body=text)
        if self._client.get_object(Bucket=self.name, Key=key)["Body"].read() != text:
            raise OSError("the bucket gives back something else than it was given")

    def size_of(self, path):
        """In bytes; None when it is not there."""
        try:
            return self._client.head_object(Bucket=self.name, Key=self.prefix + path)["ContentLength"]
        except botocore.exceptions.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise

    def take(self, file, path):
        self._client.upload_file(
            str(file), self.name, self.prefix + path, ExtraArgs={"StorageClass": self._storage_class}
        )


class Copies:
    """The homeserver's files on the volume, which are copies of what is in the bucket."""

    def __init__(self, folder, bucket, config, beat):
        self._folder = pathlib.Path(folder)
        self._bucket = bucket
        self._keep = config["keep_seconds"]
        self._most = config["most_bytes"]
        self._beat = beat
        self._began = time.time()
        # Written when all that was there before is in this very bucket.
        self._mark = self._folder.parent / ".in-bucket"

    def _files(self):
        """(path below the folder, when it was last used, size) of each."""
        for kind in KINDS:
            for parent, _, names in os.walk(self._folder / kind):
                for name in names:
                    file = pathlib.Path(parent, name)
                    try:
                        seen = file.stat()
                    except FileNotFoundError:
                        continue  # the homeserver has removed it meanwhile
                    self._beat()
                    yield str(file.relative_to(self._folder)), max(seen.st_mtime, seen.st_atime), seen.st_size

    def _all_is_there(self):
        try:
            return self._mark.read_text(encoding="utf-8") == self._bucket.identity
        except FileNotFoundError:
            return False

    def _bring(self, path, size):
        """True when it had to be brought. What the bucket has more of was cut short here, not there."""
        held = self._bucket.size_of(path)
        if held is not None and held >= size:
            return False
        self._bucket.take(self._folder / path, path)
        return True

    def _drop(self, path, size):
        """Removes the copy once the bucket has shown that it holds the file. Returns the room that this made."""
        if self._bring(path, size) and (self._bucket.size_of(path) or 0) < size:
            return 0
        (self._folder / path).unlink(missing_ok=True)
        return size

    def sweep(self):
        whole, total, brought, dropped = self._all_is_there(), 0, 0, 0
        for path, used, size in self._files():
            try:
                if used < time.time() - self._keep and self._drop(path, size):
                    dropped += 1
                    continue
                # What is younger than this program was brought by the homeserver itself.
                if not whole and used < self._began:
                    brought += self._bring(path, size)
                total += size
            except FileNotFoundError:
                continue
        if not whole:
            self._mark.write_text(self._bucket.identity, encoding="utf-8")
        dropped += self._make_room(total)
        if brought or dropped:
            log(message="looked through the files", brought=brought, dropped=dropped)

    def _make_room(self, total):
        """Removes those that were not used for longest until a quarter less than the most is left."""
        dropped = 0
        while total > self._most:
            settled = ((used, path, size) for path, used, size in self._files() if used < time.time() - YOUNGEST)
            oldest = heapq.nsmallest(AT_ONCE, settled)
            before = total
            for _, path, size in oldest:
                if total <= self._most * 3 // 4:
                    break
                room = self._drop(path, size)
                total -= room
                dropped += room > 0
            if total == before:
                break
        return dropped


class Told:
    """What was found last; asked by one thread and set by another."""

    def __init__(self):
        self._lock = threading.Lock()
        self._finding = {"finding": "asking", "code": ""}
        self._beat = time.monotonic()

    def set(self, finding, code):
        with self._lock:
            news = {"finding": finding, "code": code}
            if news != self._finding:
                log(message="the bucket was asked", **news)
            self._finding = news

    def beat(self):
        self._beat = time.monotonic()

    def lives(self):
        return time.monotonic() - self._beat < LONGEST_SILENCE

    def text(self):
        with self._lock:
            return json.dumps(self._finding)


def answering(told):
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = {"/healthz": (200 if told.lives() else 503, "{}"), "/finding": (200, told.text())}
            status, text = found.get(self.path, (404, "{}"))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Answers


def watch(bucket, copies, told):
    swept = None
    while True:
        told.beat()
        try:
            bucket.prove()
            told.set("well", "")
            if swept is None or time.monotonic() - swept > HOUR:
                copies.sweep()
                swept = time.monotonic()
            pause = WHILE_WELL
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            told.set(*finding_of(error))
            pause = WHILE_BROKEN
        except (OSError, boto3.exceptions.Boto3Error) as error:
            log(message="the files cannot be looked through", error=type(error).__name__)
            told.set("failing", type(error).__name__)
            pause = WHILE_BROKEN
        time.sleep(pause)


def main(config_file, folder, port):
    # The first process of a container is not ended by a signal that it does not await.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(config_file, encoding="utf-8") as file:
        config = complete(yaml.safe_load(file))
    told = Told()
    server = http.server.ThreadingHTTPServer(("0.0.0.0", int(port)), answering(told))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bucket = Bucket(config)
    watch(bucket, Copies(folder, bucket, config, told.beat), told)


if __name__ == "__main__":
    main(*sys.argv[1:])
