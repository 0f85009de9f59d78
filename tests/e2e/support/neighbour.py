"""Another machine on a network of this one: a network namespace behind a cable of its own."""

import os
import subprocess

from support import beside
from support.waiting import wait_until

CABLE, PLUG = "e2e-cable0", "e2e-cable1"
# A network that is set aside for documentation.
OURS, THEIRS = "198.51.100.1", "198.51.100.2"

PATIENCE = 3

_CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3]))
"""


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


class Neighbour:
    """Knows a way to every address behind this machine, as one who wants to try it would."""

    def __enter__(self):
        # What a story that was killed may have left.
        subprocess.run(["ip", "link", "delete", CABLE], capture_output=True, check=False)
        # Without `ip netns`, which leaves a mount behind. The namespace ends with its process, and
        # the cable with the namespace.
        self._holder = beside.start(["unshare", "--net", "sleep", "infinity"])
        wait_until("the neighbour has a network of its own", self._apart, 10, every=0.05)
        _run("ip", "link", "add", CABLE, "type", "veth", "peer", "name", PLUG)
        _run("ip", "link", "set", PLUG, "netns", str(self._holder.pid))
        _run("ip", "address", "add", f"{OURS}/30", "dev", CABLE)
        _run("ip", "link", "set", CABLE, "up")
        for command in (["address", "add", f"{THEIRS}/30", "dev", PLUG],
                        ["link", "set", PLUG, "up"], ["route", "add", "default", "via", OURS]):
            _run(*self._there("ip"), *command)
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "delete", CABLE], capture_output=True, check=False)
        self._holder.kill()
        self._holder.wait()

    def _apart(self):
        theirs = os.readlink(f"/proc/{self._holder.pid}/ns/net")
        assert theirs != os.readlink("/proc/self/ns/net"), "still in the network of this machine"

    def _there(self, program):
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", program]

    def reaches(self, address, port):
        """Whether a TCP connection to it comes about."""
        done = subprocess.run([*self._there("/usr/bin/python3"), "-c", _CONNECT, address, str(port),
                               str(PATIENCE)], capture_output=True, check=False)
        return done.returncode == 0
