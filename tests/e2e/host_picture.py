#!/usr/bin/env python3
"""Prints what a cluster could leave behind on this machine, or take away from it: mounts, network
interfaces, firewall, cgroups, processes, kernel settings and host names. Two pictures of a machine
that nobody touched are the same text."""

import pathlib
import re
import subprocess

OURS = ("alphorn-playground", "kubepods")
SETTINGS = ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables",
            "net/ipv4/conf/all/route_localnet", "vm/overcommit_memory", "vm/panic_on_oom",
            "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
            "kernel/keys/root_maxbytes", "fs/inotify/max_user_instances",
            "fs/inotify/max_user_watches")
PROC = pathlib.Path("/proc")
GROUPS = pathlib.Path("/sys/fs/cgroup")


def said_by(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []  # Not installed yet: then there is nothing of its kind either.
    return done.stdout.splitlines()


def mounts():
    for line in (PROC / "self/mounts").read_text().splitlines():
        _, target, kind = line.split()[:3]
        yield f"{target} {kind}"


def interfaces():
    for folder in pathlib.Path("/sys/class/net").iterdir():
        yield folder.name


def firewall():
    """Rules and the tables they are in. Counters and comments are the time's, not the rules'; a
    chain of iptables' own that is empty is the same as none."""
    for tool in ("iptables-save", "ip6tables-save"):
        for line in said_by(tool):
            if line.startswith("-A") or re.match(r":\S+ -", line):
                rule = re.sub(r" \[\d+:\d+\]$", "", line)
                yield f"{tool}: {rule}"
    yield from said_by("nft", "list", "tables")


def cgroups():
    for folder in GROUPS.glob("**/*"):
        if any(word in folder.name for word in OURS):
            yield str(folder)
    control = GROUPS / "cgroup.subtree_control"
    if control.is_file():
        yield "controllers: " + control.read_text().strip()


def processes():
    for folder in PROC.glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            group = (folder / "cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended while we looked.
        command = b" ".join(words).decode(errors="replace").strip()
        if "/alphorn-playground" in command or "kubepods" in group:
            yield command


def settings():
    for name in SETTINGS:
        file = PROC / "sys" / name
        yield f"{name} = {file.read_text().strip() if file.exists() else 'none'}"


def host_names():
    yield from pathlib.Path("/etc/hosts").read_text().splitlines()


for part in (mounts, interfaces, firewall, cgroups, processes, settings, host_names):
    print(f"== {part.__name__}")
    print("\n".join(sorted(part())))
