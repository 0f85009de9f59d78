"""Makes one YAML file of several.

Usage: merge_yaml.py RESULT FILE...

Each FILE holds a mapping; what a later one says of a key counts. RESULT is readable by its owner alone and
lies in memory.
"""

import os
import sys

import yaml


def mapping_in(path):
    with open(path, encoding="utf-8") as file:
        value = yaml.safe_load(file)
    if not isinstance(value, dict):
        sys.exit(f"{path} holds no YAML mapping")
    return value


def main(result, *paths):
    merged = {}
    for path in paths:
        try:
            merged.update(mapping_in(path))
        except OSError as error:
            sys.exit(f"{path}: {error.strerror}")
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            # The text itself stays out of the log: a secret may be what cannot be read.
            sys.exit(f"{path} cannot be read ({type(error).__name__})")
    descriptor = os.open(result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(merged, file, allow_unicode=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
