"""A proxy before a real kube-apiserver that breaks what it is told to break.

    with FaultProxy(servers) as proxy:
        program(proxy.kubeconfig())
        proxy.after_write = lambda number, request: "drop" if number == 3 else None

Writes are POST, PUT, PATCH and DELETE, but for those of events and leases; they are numbered from 1
since reset(). Everything else passes unchanged, watches byte by byte. Runs in a thread of its own.
"""
import asyncio
import dataclasses
import json
import ssl
import threading
import time

WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclasses.dataclass
class Request:
    method: str
    target: str
    body: bytes = b""

    @property
    def path(self):
        return self.target.split("?")[0]

    @property
    def is_watch(self):
        return "watch=true" in self.target

    @property
    def is_write(self):
        return self.method in WRITES and "/events" not in self.path and "/leases" not in self.path


def status_object(code, reason):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                       "reason": reason, "message": f"the fault proxy says {reason}"}).encode()


class FaultProxy:
    def __init__(self, servers, name="proxy"):
        self.servers = servers
        servers.keys.leaf(name, "/CN=fault-proxy", "serverAuth", "DNS:localhost,IP:127.0.0.1")
        self.server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_side.load_cert_chain(servers.keys.path(f"{name}.crt"), servers.keys.path(f"{name}.key"))
        self.client_side = ssl.create_default_context(cafile=servers.keys.path("ca.crt"))
        # What may be told. before() answers nothing, or a (status, reason, headers) instead of the
        # server's answer; after_write() is called when the server has answered and before the client
        # hears of it: "drop" ends the connection instead.
        self.before = lambda request: None
        self.after_write = lambda number, request: None
        self.on_event = None         # called with each piece of a watch; returns what is sent on
        self.black_hole = False      # accept and never answer; nothing is sent on
        self.frozen = False          # watches hand over nothing
        self.delay = 0.0             # seconds by which watches hand over what they got later
        self.reset()

    def reset(self):
        self.writes = []             # (time, Request), answered by the server
        self.requests = []           # (time, Request), all that were sent on or answered here
        self.arrived = []            # (time, Request), also what a black hole swallowed

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.connections = set()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.ended.set_result, None)
        self.thread.join(10)

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(lambda *_: None)  # broken connections are what it is for
        self.loop.run_until_complete(self.serve(started))

    async def serve(self, started):
        self.ended = self.loop.create_future()
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0, ssl=self.server_side, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self.ended
        server.close()
        for task in list(self.connections):
            task.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    def cut(self):
        """Ends all connections at once."""
        def cancel():
            for task in list(self.connections):
                task.cancel()
        self.loop.call_soon_threadsafe(cancel)

    def kubeconfig(self):
        config = json.loads(self.servers.kubeconfig("token"))
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self.port}"
        return json.dumps(config)

    def quiet_for(self, seconds):
        """No write for that long."""
        return not self.writes or time.monotonic() - self.writes[-1][0] > seconds

    async def handle(self, reader, writer):
        task = asyncio.current_task()
        self.connections.add(task)
        upstream = None
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.servers.port, ssl=self.client_side,
                                                     limit=1 << 20)
            while await self.exchange(reader, writer, *upstream):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError, ssl.SSLError):
            pass
        finally:
            self.connections.discard(task)
            for one in (writer, upstream[1] if upstream else None):
                if one is not None:
                    one.transport.abort()

    async def exchange(self, reader, writer, from_server, to_server):
        """One request and its answer; False when the connection is to end."""
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        length = int(header(head, b"content-length") or 0)
        request = Request(method, target, await reader.readexactly(length) if length else b"")
        self.arrived.append((time.monotonic(), request))
        while self.black_hole:
            await asyncio.sleep(0.05)
            if reader.at_eof():  # who asked has gone: nothing is sent on for it
                return False
        self.requests.append((time.monotonic(), request))
        instead = self.before(request)
        if instead is not None:
            return await answer(writer, *instead)
        to_server.write(head + request.body)
        await to_server.drain()
        head = await from_server.readuntil(b"\r\n\r\n")
        if request.is_watch and head.split(b" ")[1] == b"200":  # a refusal is an answer like others
            await self.stream(head, from_server, writer)
            return False
        body = await whole_body(head, from_server)
        if request.is_write:
            self.writes.append((time.monotonic(), request))
            if self.after_write(len(self.writes), request) == "drop":
                return False
        while self.black_hole:
            await asyncio.sleep(0.05)
        writer.write(head + body)
        await writer.drain()
        return True

    async def stream(self, head, from_server, writer):
        writer.write(head)
        while piece := await from_server.read(1 << 16):
            await asyncio.sleep(self.delay)
            while self.frozen or self.black_hole:
                await asyncio.sleep(0.05)
            writer.write(self.on_event(piece) if self.on_event else piece)
            await writer.drain()


def header(head, name):
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return None


async def whole_body(head, reader):
    """The body as it came over the wire, chunks and all."""
    if (header(head, b"transfer-encoding") or b"").lower() == b"chunked":
        body = b""
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            body += line + await reader.readexactly(size + 2)
            if size == 0:
                return body
    length = int(header(head, b"content-length") or 0)
    return await reader.readexactly(length) if length else b""


async def answer(writer, code, reason, headers=()):
    body = status_object(code, reason)
    lines = [f"HTTP/1.1 {code} {reason}", "Content-Type: application/json", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in headers)]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return True
