"""Writes files one after the other into another.

Usage: join_files.py RESULT FILE...
"""

import sys


def main(result, *files):
    with open(result, "wb") as joined:
        for path in files:
            with open(path, "rb") as file:
                joined.write(file.read().rstrip(b"\n") + b"\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
