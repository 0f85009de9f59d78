"""Completes the files that a company brings for a bridge.

Usage: fill_files.py VALUES FROM INTO

Copies every file of the folder FROM into INTO; ${NAME} becomes the value of that name. VALUES is a YAML
file, whose secrets are as render_config.py reads them. A name that it does not know stays as it is: it
may mean something to the bridge. The copies are readable by their owner alone and lie in memory.
"""

import os
import re
import sys

import yaml

from render_config import complete

PLACEHOLDER = re.compile(r"\$\{([A-Z_]+)\}")


def filled(text, values):
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def main(values_file, source, target):
    with open(values_file, encoding="utf-8") as file:
        values = complete(yaml.safe_load(file))
    for name in sorted(os.listdir(source)):
        path = os.path.join(source, name)
        # The kubelet's own folders begin with two dots.
        if name.startswith("..") or not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = filled(file.read(), values)
        descriptor = os.open(os.path.join(target, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The text itself stays out of the log: a secret may be what cannot be read.
        sys.exit(f"a file that the company brings is no text ({type(error).__name__})")
