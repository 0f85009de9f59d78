"""Completes a configuration with its secrets.

Usage: render_config.py TEMPLATE RESULT [TEMPLATE RESULT]...

Copies the YAML file TEMPLATE to RESULT; every mapping {"$file": PATH} in it becomes the content of
that file, without the line's end, {"$integer": PATH} the number in it, {"$env": NAME} that variable, and
{"$join": LIST} its texts one after the other. RESULT is readable by its owner alone and lies in memory.
"""

import os
import sys

import yaml


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def integer_of(path):
    try:
        return int(text_of(path))
    except ValueError:
        sys.exit(f"{path} does not hold a whole number")


def complete(value):
    if isinstance(value, dict):
        if set(value) == {"$file"}:
            return text_of(value["$file"])
        if set(value) == {"$integer"}:
            return integer_of(value["$integer"])
        if set(value) == {"$join"}:
            return "".join(complete(part) for part in value["$join"])
        if set(value) == {"$env"}:
            return os.environ[value["$env"]]
        return {key: complete(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [complete(entry) for entry in value]
    return value


def main(template, result):
    with open(template, encoding="utf-8") as file:
        config = complete(yaml.safe_load(file))
    partial = result + ".partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, allow_unicode=True)
    os.replace(partial, result)


if __name__ == "__main__":
    template = ""
    try:
        for template, result in zip(sys.argv[1::2], sys.argv[2::2]):
            main(template, result)
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The text itself stays out of the log: a secret may be what cannot be read.
        sys.exit(f"{template} or a file that it names cannot be read ({type(error).__name__})")
