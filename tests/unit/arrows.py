#!/usr/bin/env python3
"""Keeps the arrows between the folders honest: who may include whose headers.

    arrows.py REPOSITORY
"""
import pathlib
import re
import sys

# Folder -> the include prefixes it may use besides its own. A longer folder wins over its parent.
ALLOWED = {
    "lib/base": set(),
    "lib/http": {"base"},
    "lib/kube": {"http", "base"},
    "lib/controller": {"kube", "http", "base"},
    "lib/matrix": {"http", "base"},
    "lib/api": {"base"},
    "operator/manifests": {"api", "base"},
    "provisioner/directory": {"base"},
    "provisioner/sheets": {"base"},
    "provisioner/plan": {"directory", "base"},
    "provisioner/apply": {"plan", "directory", "matrix", "http", "base"},
    "playground/netpol": {"controller", "kube", "http", "base"},
}
OURS = {"base", "http", "kube", "controller", "matrix", "api", "operator", "provisioner",
        "manifests", "backups", "directories", "homeserver", "certificates", "netpol", "directory", "sheets", "plan", "apply", "tests", "support"}
# Libraries that sit behind one file each, so that they can be replaced in one file.
HIDDEN = {"curl/curl.h": "lib/http/curl_transport.cpp", "simdjson.h": "lib/kube/raw_object.cpp",
          "zstd.h": "lib/controller/packing.cpp", "libpq-fe.h": "operator/homeserver/logins.cpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) or found.group(2)


def rule_for(name):
    folders = [folder for folder in ALLOWED if name.startswith(folder + "/")]
    return max(folders, key=len, default=None)


def violations(root):
    for top in ("lib", "operator", "provisioner", "playground", "tests"):
        for path in sorted((root / top).rglob("*.[ch]pp")):
            name = path.relative_to(root).as_posix()
            folder = rule_for(name)
            for number, included in includes(path):
                prefix = included.split("/")[0] if "/" in included else ""
                where = f"{name}:{number}: includes {included}"
                if HIDDEN.get(included, name) != name:
                    yield f"{where}: only {HIDDEN[included]} may know it"
                if folder is None or prefix not in OURS:
                    continue
                own = folder.split("/")[-1]
                if prefix != own and prefix not in ALLOWED[folder]:
                    may = ", ".join(sorted(ALLOWED[folder])) or "nothing"
                    yield f"{where}: {folder} may only see {may}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    if not all((root / name).is_file() for name in HIDDEN.values()):
        sys.exit(f"{root} is no checkout of this repository")
    found = list(violations(root))
    print("\n".join(found) or "all arrows hold")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
