"""A real IRC server beside the cluster, and a client that people of that network would use."""

import os
import pathlib
import socket
import tempfile
import threading

from support import beside
from support.waiting import wait_until

ADDRESS = "10.250.0.1"  # the node's own: nothing outside this machine reaches it
UNTIL_UP = 15
UNTIL_SAID = 15
_ENCODING = "utf-8"


class Server:
    """It asks nobody for a password and looks nobody up. As root it goes on as nobody."""

    def __init__(self, address=ADDRESS):
        program = os.environ.get("ALPHORN_IRC")
        assert program, "ALPHORN_IRC names no program: run the stories by ./dev test e2e"
        self.address, self.port = address, beside.free_port(address)
        self._folder = tempfile.TemporaryDirectory(prefix="alphorn-irc-")
        folder = pathlib.Path(self._folder.name)
        (folder / "ngircd.conf").write_text(_CONFIGURATION.format(address=address, port=self.port),
                                            encoding=_ENCODING)
        # Debian's library for ident lies beside the program and is not installed either.
        libraries = pathlib.Path(program).parents[1] / "lib" / "x86_64-linux-gnu"
        with open(folder / "log", "w", encoding=_ENCODING) as log:
            self._process = beside.start(
                [program, "--nodaemon", "--config", str(folder / "ngircd.conf")], stdout=log,
                stderr=log, env={**os.environ, "LD_LIBRARY_PATH": str(libraries)})
        try:
            wait_until("the IRC server answers", self._answers, UNTIL_UP, every=0.1)
        except BaseException:
            self.close()
            raise

    def _answers(self):
        log = pathlib.Path(self._folder.name, "log").read_text(encoding=_ENCODING)[-2000:]
        assert self._process.poll() is None, "the IRC server has ended: " + log
        try:
            socket.create_connection((self.address, self.port), timeout=2).close()
        except OSError as error:
            raise AssertionError(str(error)) from None

    def close(self):
        self._process.terminate()
        self._process.wait(60)
        self._folder.cleanup()


class Client:
    """Somebody on IRC. What arrives is read in the background, so that it stays in."""

    def __init__(self, server, nick):
        self.nick = nick
        self._lines = []
        self._socket = socket.create_connection((server.address, server.port), timeout=60)
        self._socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()
        self._send(f"NICK {nick}")
        self._send(f"USER {nick} 0 * :{nick}")
        self.wait_for(f" 001 {nick} ")

    def _send(self, line):
        self._socket.sendall(line.encode(_ENCODING) + b"\r\n")

    def _read(self):
        try:
            with self._socket.makefile(encoding=_ENCODING, errors="replace", newline="\r\n") as stream:
                for line in stream:
                    line = line.rstrip("\r\n")
                    if line.startswith("PING "):
                        self._send("PONG " + line.removeprefix("PING "))
                    else:
                        self._lines.append(line)
        except OSError:
            pass  # It was closed.

    def wait_for(self, text, limit=UNTIL_SAID):
        """The first line, of all that arrived since it connected, that holds the text."""
        def arrived():
            found = [line for line in list(self._lines) if text in line]
            assert found, f"{self.nick} heard only {self._lines[-5:]}"
            return found[0]
        return wait_until(f"{self.nick} on IRC hears {text!r}", arrived, limit, every=0.05)

    def join(self, channel):
        self._send(f"JOIN {channel}")
        self.wait_for(f" 366 {self.nick} {channel} ")

    def say(self, target, text):
        self._send(f"PRIVMSG {target} :{text}")

    def wait_to_hear(self, target, text, limit=UNTIL_SAID):
        """Waits until somebody says just that in the channel, or to a nick; returns their nick."""
        def said():
            for line in list(self._lines):
                # ":nick!user@host PRIVMSG #channel :text"
                prefix, _, rest = line.removeprefix(":").partition(" ")
                if rest == f"PRIVMSG {target} :{text}":
                    return prefix.partition("!")[0]
            raise AssertionError(f"{self.nick} heard only {self._lines[-5:]}")
        return wait_until(f"{self.nick} on IRC hears {text!r} in {target}", said, limit, every=0.05)

    def names(self, channel):
        """Who is in the channel now."""
        before = len(self._lines)
        self._send(f"NAMES {channel}")

        def listed():
            new = self._lines[before:]
            assert any(f" 366 {self.nick} {channel} " in line for line in new), "not listed yet"
            rows = [line for line in new if f" 353 {self.nick} " in line and f" {channel} :" in line]
            return {name.lstrip("@+%&~") for row in rows
                    for name in row.split(f" {channel} :")[1].split()}
        return wait_until(f"{channel} is listed", listed, UNTIL_SAID, every=0.05)

    def close(self):
        """Says goodbye; the channel sees it leave."""
        try:
            self._send("QUIT :bye")
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The server has gone before.
        self._socket.close()


_CONFIGURATION = """
[Global]
Name = irc.example
Info = Alphorn's stories
AdminInfo1 = Alphorn's stories
AdminEMail = nobody@irc.example
Network = Stories
MotdPhrase = Welcome
Listen = {address}
Ports = {port}
ServerUID = nobody
ServerGID = nogroup
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 20
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
"""
