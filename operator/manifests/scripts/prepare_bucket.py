"""Prepares what speaks to the bucket of uploaded files.

Usage: prepare_bucket.py [AUTHORITIES BUNDLE]

Fails when the image lacks what Synapse needs for it. BUNDLE becomes the certificates of AUTHORITIES
with those of the world: boto reads one file.
"""

import importlib.util
import sys


def main(*authorities):
    if importlib.util.find_spec("s3_storage_provider") is None:
        sys.exit("this image of Synapse lacks the package synapse-s3-storage-provider: see docs/media.md")
    if not authorities:
        return
    import certifi

    own, result = authorities
    with open(result, "w", encoding="utf-8") as file:
        for source in (own, certifi.where()):
            with open(source, encoding="utf-8") as certificates:
                file.write(certificates.read() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
