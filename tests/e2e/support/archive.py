"""Images that somebody put into playground/images.d, for they are in no package registry."""

import json
import tarfile

from support import kubectl as k

IMAGES = k.ROOT / "playground" / "images.d"
UNTIL_UPGRADED = 180


def image_in(path):
    """Under which name the archive's image was imported: docker's spelling or OCI's."""
    with tarfile.open(path) as archive:
        names = archive.getnames()
        if "manifest.json" in names:
            return json.load(archive.extractfile("manifest.json"))[0]["RepoTags"][0]
        index = json.load(archive.extractfile("index.json"))
    notes = index["manifests"][0]["annotations"]
    return notes.get("io.containerd.image.name") or notes["org.opencontainers.image.ref.name"]


def offer(kind, image):
    """The operator runs bridges of this type by this image from now on; "" for none."""
    k.dev("helm", "upgrade", "alphorn", str(k.ROOT / "charts" / "alphorn"), "--namespace", k.SYSTEM,
          "--reuse-values", "--set", f"images.bridges.{kind}={image}", "--wait",
          timeout=UNTIL_UPGRADED)


def offered(kind):
    """The image that it runs them by; "" when it offers none."""
    values = json.loads(k.dev("helm", "get", "values", "alphorn", "--namespace", k.SYSTEM,
                              "--output", "json"))
    return values["images"].get("bridges", {}).get(kind, "")
