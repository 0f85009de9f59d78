"""Images that somebody put into playground/images.d, for they are in no package registry."""

import json
import tarfile


def image_in(path):
    """Under which name the archive's image was imported: docker's spelling or OCI's."""
    with tarfile.open(path) as archive:
        names = archive.getnames()
        if "manifest.json" in names:
            return json.load(archive.extractfile("manifest.json"))[0]["RepoTags"][0]
        index = json.load(archive.extractfile("index.json"))
    notes = index["manifests"][0]["annotations"]
    return notes.get("io.containerd.image.name") or notes["org.opencontainers.image.ref.name"]
