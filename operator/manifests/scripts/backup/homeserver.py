"""What a drill asks a homeserver that was started on a filled copy."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import secrets
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from outcome import Failure, log

TIMEOUT = 60
PAUSE = 1
# What comes before the 32 bytes of an Ed25519 key where openssl reads one.
KEY_HEAD = bytes.fromhex("302a300506032b6570032100")


def unfit(what):
    return Failure("HomeserverFails", f"the homeserver on the restored copy {what}: look at its log", True)


def _bytes_of(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


class Homeserver:
    def __init__(self, url):
        self._url, self.token = url.rstrip("/"), None
        # Whatever proxy the pod knows: this is the same pod.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def bytes(self, method, path, body=None):
        """(status, content)."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self._url + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error).encode()

    def call(self, method, path, body=None):
        status, content = self.bytes(method, path, body)
        if status != 200:
            said = content[:200].decode(errors="replace")
            raise unfit(f"answers {method} {path.split('?')[0]} with {status or 'nothing'} ({said})")
        return json.loads(content)

    def await_start(self, seconds):
        deadline = time.monotonic() + seconds
        while self.bytes("GET", "/health")[0] != 200:
            if time.monotonic() >= deadline:
                raise unfit(f"does not start within {seconds} s")
            time.sleep(PAUSE)

    def versions(self):
        if not self.call("GET", "/_matrix/client/versions").get("versions"):
            raise unfit("knows no version of the protocol")

    def prove_key(self, key_id):
        """It signs with the key of the set, and really: its own answer is checked by openssl."""
        answer = self.call("GET", "/_matrix/key/v2/server")
        if key_id not in answer.get("verify_keys", {}):
            known = ", ".join(answer.get("verify_keys", {})) or "none"
            raise Failure("KeyDiffers", f"the homeserver signs with {known}, not with {key_id}: keys are missing", True)
        signature = answer["signatures"][answer["server_name"]][key_id]
        signed = {name: value for name, value in answer.items() if name not in ("signatures", "unsigned")}
        text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("key", KEY_HEAD + _bytes_of(answer["verify_keys"][key_id]["key"])),
                                  ("text", text), ("signature", _bytes_of(signature))):
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(content)
            done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key",
                                   "-rawin", "-in", "text", "-sigfile", "signature"], cwd=folder, check=False,
                                  capture_output=True)
        if done.returncode != 0:
            raise Failure("KeyDiffers", f"the signature that the homeserver made with {key_id} is not valid", True)

    def register(self, secret):
        """Effect: logged in as somebody new, who may see everything. It ends with the copy."""
        name, password = f"drill-{secrets.token_hex(6)}", secrets.token_urlsafe(24)
        nonce = self.call("GET", "/_synapse/admin/v1/register")["nonce"]
        mac = hmac.new(secret.encode(), "\0".join([nonce, name, password, "admin"]).encode(), hashlib.sha1).hexdigest()
        self.call("POST", "/_synapse/admin/v1/register",
                  {"nonce": nonce, "username": name, "password": password, "admin": True, "mac": mac})
        answer = self.call("POST", "/_matrix/client/v3/login",
                           {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name},
                            "password": password})
        self.token = answer["access_token"]
        if self.call("GET", "/_matrix/client/v3/account/whoami")["user_id"] != answer["user_id"]:
            raise unfit("takes somebody for somebody else")

    def forget(self):
        with contextlib.suppress(Failure):
            self.call("POST", "/_matrix/client/v3/logout", {})

    def read_rooms(self, most):
        """How many events were read, of the rooms with the most people."""
        rooms = self.call("GET", f"/_synapse/admin/v1/rooms?limit={most}&order_by=joined_members")["rooms"]
        found = 0
        for room in rooms:
            path = urllib.parse.quote(room["room_id"], safe="")
            found += len(self.call("GET", f"/_synapse/admin/v1/rooms/{path}/messages?dir=b&limit=20")["chunk"])
        if rooms and not found:
            raise unfit("has rooms, and nothing in them")
        log("read rooms", rooms=len(rooms), events=found)
        return found

    def compare_download(self, server_name, media_id, length, digest):
        name = urllib.parse.quote(server_name, safe="")
        status, content = self.bytes("GET", f"/_matrix/client/v1/media/download/{name}/{media_id}")
        if status != 200:
            return f"answers {status or 'nothing'}"
        if length is not None and len(content) != length:
            return f"has {len(content)} bytes, not {length}"
        if digest and hashlib.sha256(content).hexdigest() != digest:
            return "has another content"
        return None
