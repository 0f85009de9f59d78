#!/usr/bin/env python3
"""Pack a directory into a one-layer image archive that `ctr images import` takes.

Owners of files are those of the directory; times are zero and names are sorted, so that the same
content always makes the same image.
"""

import argparse
import hashlib
import io
import json
import os
import tarfile


def reset(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = 0
    member.uname = member.gname = ""
    return member


def add_sorted(layer: tarfile.TarFile, root: str, path: str) -> None:
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        layer.add(entry.path, os.path.relpath(entry.path, root), recursive=False, filter=reset)
        if entry.is_dir(follow_symlinks=False):
            add_sorted(layer, root, entry.path)


def add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--user", default="0:0")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--entrypoint", action="append", default=[])
    parser.add_argument("directory")
    parser.add_argument("name", help="full image name with tag")
    parser.add_argument("archive", help="file to write")
    given = parser.parse_args()

    layer_path = given.archive + ".layer"
    with tarfile.open(layer_path, "w", format=tarfile.PAX_FORMAT) as layer:
        add_sorted(layer, given.directory, given.directory)
    digest = sha256_of(layer_path)
    config = json.dumps({
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"User": given.user, "Env": given.env, "Entrypoint": given.entrypoint or None},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "mkimage.py"}],
    }).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": [given.name], "Layers": ["layer.tar"]}]
    part = given.archive + ".part"
    with tarfile.open(part, "w") as archive:
        add_bytes(archive, config_name, config)
        archive.add(layer_path, "layer.tar", filter=reset)
        add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
    os.unlink(layer_path)
    os.rename(part, given.archive)


if __name__ == "__main__":
    main()
