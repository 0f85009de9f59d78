#!/usr/bin/env python3
"""The JSON Schema that editors use agrees with the reader: it takes what the reader takes, and refuses
what a schema can know to be wrong."""
import json
import pathlib
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(sys.argv[1])
SCHEMA = json.loads((ROOT / "provisioner/directory/company-directory.schema.json").read_text())
# What only the whole document, another file or the text's own form tells.
BEYOND = {
    "a-deputy-is-a-group", "a-guest-is-a-deputy", "a-key-twice", "administrator-unknown",
    "control-character", "empty-document", "external-id-of-another-case", "external-id-twice",
    "external-id-without-provider", "group-by-unknown-column",
    "group-of-an-unknown-person", "group-twice", "guest-among-the-staff",
    "guest-in-a-flat-room-of-the-staff", "guest-is-an-employee", "guest-of-this-server",
    "guest-twice", "guest-with-both", "latin-1", "localpart-too-long",
    "localpart-twice", "mail-of-somebody-else", "no-yaml", "nobody", "parent-is-a-room",
    "parent-unknown", "reserved-inside", "reserved-with-a-parent", "room-in-two-places",
    "room-key-of-its-space",
    "room-key-twice", "space-in-itself", "spaces-in-a-circle", "tabs", "two-documents",
    "unknown-member", "unknown-tag",
}


def refused(path):
    """Whether the schema says no to a document that YAML can read."""
    document = yaml.safe_load(path.read_bytes())
    return bool(list(jsonschema.Draft7Validator(SCHEMA).iter_errors(document)))


def main():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    wrong = []
    if refused(ROOT / "provisioner/samples/acme.yaml"):
        wrong.append("the sample is refused")
    for folder in sorted((ROOT / "tests/directory/rejected").iterdir()):
        if folder.name in BEYOND or folder.name.startswith("table-"):
            continue
        if not refused(folder / "directory.yaml"):
            wrong.append(f"{folder.name} is taken by the schema")
    missing = [name for name in BEYOND if not (ROOT / "tests/directory/rejected" / name).exists()]
    wrong += [f"{name} is not in the corpus" for name in missing]
    print("\n".join(wrong) or "schema and reader agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
