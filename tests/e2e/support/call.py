"""Calls as people's apps make them: tokens for LiveKit, what it tells who comes in, and coturn's client."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import socket
import ssl
import subprocess
import time
import urllib.parse

PATIENCE = 300
TOKEN_SECONDS = 600
KEY = "alphorn"


def _folder():
    folder = os.environ.get("ALPHORN_CALL")
    assert folder, "ALPHORN_CALL names no folder: run the stories by ./dev test e2e"
    return pathlib.Path(folder)


def _encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret, identity, **grants):
    """For LiveKit, signed as lk-jwt-service would."""
    now = int(time.time())
    parts = [{"alg": "HS256", "typ": "JWT"},
             {"iss": KEY, "sub": identity, "nbf": now - 10, "exp": now + TOKEN_SECONDS, "video": grants}]
    text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return text + "." + _encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def converse(url, ca_file, speaker, listener):
    """What support/participants.py tells of a call of two tokens."""
    environment = {**os.environ, "PYTHONPATH": str(_folder() / "python"), "SSL_CERT_FILE": ca_file}
    done = subprocess.run(["/usr/bin/python3", "-P", str(pathlib.Path(__file__).with_name("participants.py"))],
                          input=json.dumps({"url": url, "speaker": speaker, "listener": listener}),
                          capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


BY_EACH_OTHER = ("-y",)


def relay(address, port, user, password, *options):
    """Allocations at the TURN server, which options say what to do with: (exit code, what was said)."""
    folder = _folder() / "debian"
    libraries = str(folder / "usr/lib/x86_64-linux-gnu")
    done = subprocess.run([str(folder / "usr/bin/turnutils_uclient"), "-n", "20", "-m", "1", "-p", str(port), "-u", user,
                           "-w", password, *options, address],
                          capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env={**os.environ, "LD_LIBRARY_PATH": libraries})
    return done.returncode, done.stdout + done.stderr


def _read_exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        assert more, "the server hung up"
        data += more
    return data


def first_message(url, ca_file, access_token):
    """The first binary message of LiveKit's web socket: what it tells who comes into a call."""
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.urlencode({"access_token": access_token, "protocol": 15, "auto_subscribe": 1})
    raw = socket.create_connection((parts.hostname, parts.port or 443), PATIENCE)
    with ssl.create_default_context(cafile=ca_file).wrap_socket(raw, server_hostname=parts.hostname) as stream:
        key = base64.b64encode(os.urandom(16)).decode()
        stream.sendall((f"GET /rtc?{query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
                        ).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _read_exactly(stream, 1)
        assert b" 101 " in head.split(b"\r\n")[0], head.decode()
        _, length = _read_exactly(stream, 2)
        length &= 127
        if length == 126:
            length = int.from_bytes(_read_exactly(stream, 2), "big")
        elif length == 127:
            length = int.from_bytes(_read_exactly(stream, 8), "big")
        return _read_exactly(stream, length)


def _number(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def _fields(data):
    """(number, bytes) of each field of a protobuf message that holds bytes."""
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = _number(data, at)
        elif kind == 2:
            length, at = _number(data, at)
            yield tag >> 3, data[at:at + length]
            at += length
        else:
            at += {1: 8, 5: 4}[kind]


def ice_servers(message):
    """URLs of the STUN and TURN servers that LiveKit names: SignalResponse.join.ice_servers.urls."""
    (join,) = [value for number, value in _fields(message) if number == 1]
    servers = [value for number, value in _fields(join) if number == 5]
    return [url.decode() for server in servers for number, url in _fields(server) if number == 1]
