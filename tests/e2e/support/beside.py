"""Programs that run beside the cluster for a story. None outlives it, however the story ends."""

import ctypes
import random
import signal
import socket
import subprocess

# Neither of those that the kernel gives to whoever connects somewhere, nor of the cluster's NodePorts.
PORTS = range(20000, 29900)
_PR_SET_PDEATHSIG = 1


def _die_with_the_story():
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, **options):
    return subprocess.Popen(command, preexec_fn=_die_with_the_story, **options)


def free_port(address):
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port of {address} is free")
