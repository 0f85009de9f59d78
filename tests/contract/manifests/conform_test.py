#!/usr/bin/env python3
"""kubeconform finds nothing wrong with any golden manifest nor with the chart, in no variant of either.

The goldens' own test asks the API server, which knows more but only the kinds that it serves. This one
also knows what others define: the Gateway API, the Prometheus operator, cert-manager."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

import yaml

from chart_test import ROOT, kubectl, render, run

sys.path.insert(0, str(ROOT / "tests" / "support"))
import schemas  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TEMPLATE = "{{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json"

# What nobody checks here, and why.
UNCHECKED = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"):
        "kubeconform does not load the schema of schemas; contract_api installs our definition",
    ("postgresql.cnpg.io", "Cluster"):
        "the definitions of CloudNativePG cannot be had as a Go module; its documentation is what the goldens follow",
}

EVERYTHING = (
    "--set", "monitoring.enabled=true,monitoring.labels.release=main,flowSchema.enabled=true,maxRequestsInFlight=20",
    "--set", "replicas=3,priorityClassName=high,nodeSelector.disk=ssd,podAnnotations.a=b",
    "--set", "tolerations[0].key=x,tolerations[0].operator=Exists,imagePullSecrets[0].name=pull",
)
CHART = {
    "as it comes": (),
    "of the playground": ("-f", ROOT / "playground" / "values.yaml"),
    "with everything": EVERYTHING,
    "of some namespaces": (*EVERYTHING, "--set", "watchNamespaces={acme,bravo}"),
    "with the least": (
        "--set", "watchNamespaces={acme},rbac.readClasses=false,crds.install=false,deletionGuard.enabled=false",
    ),
    "without dashboards": ("--set", "monitoring.enabled=true,monitoring.dashboards=false"),
}


def built(variable, name, command):
    """What ./dev has made: named by a variable, or the newest in its cache."""
    if os.environ.get(variable):
        return pathlib.Path(os.environ[variable])
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    found = sorted((cache / "alphorn" / "bin").glob(name), key=os.path.getmtime)
    if not found:
        raise RuntimeError(f"{name} is not there: run `./dev test contract`, which {command} it")
    return found[-1]


def fetch(path):
    outcome = kubectl("get", "--raw", path)
    if outcome.returncode != 0:
        raise RuntimeError(outcome.stderr)
    return json.loads(outcome.stdout)


def kind_of(document):
    group, _, version = document["apiVersion"].rpartition("/")
    return group, version, document["kind"]


class Conform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.work.name)
        cls.goldens = sorted(GOLDEN.rglob("*.yaml"))
        cls.rendered = []
        for name, arguments in CHART.items():
            path = cls.folder / f"chart {name}.yaml"
            path.write_text(render(*arguments), encoding="utf-8")
            cls.rendered.append(path)
        cls.kinds = {
            kind_of(document)
            for path in (*cls.goldens, *cls.rendered)
            for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=LOADER) if document
        }
        cls.unknown = cls.write_schemas()

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    @classmethod
    def write_schemas(cls):
        """Returns the kinds for which nobody has a schema."""
        server, unknown = schemas.Schemas(fetch), set()
        definitions = [
            yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
            for path in built("ALPHORN_DEFINITIONS", "definitions-*", "fetches").glob("*.yaml")
        ]
        for group, version, kind in cls.kinds:
            if (group, kind) in UNCHECKED:
                continue
            schema = server.of(group, version, kind)
            for one in definitions:
                if (one["spec"]["group"], one["spec"]["names"]["kind"]) == (group, kind):
                    schema = server.of_definition(one, version)
            if schema is None:
                unknown.add((group, version, kind))
            else:
                schemas.write(cls.folder, group, version, kind, schema)
        return unknown

    def conform(self, *paths):
        """[(file, kind, name, status, what is wrong)] of every object."""
        outcome = run(
            built("ALPHORN_KUBECONFORM", "kubeconform-*/kubeconform", "builds"), "-strict", "-output", "json", "-verbose",
            "-schema-location", f"{self.folder}/{TEMPLATE}",
            "-skip", ",".join(kind for _, kind in UNCHECKED), *paths,
        )
        self.assertIn('"resources"', outcome.stdout, outcome.stderr)
        return [
            (pathlib.Path(one["filename"]).name, one["kind"], one["name"], one["status"], one["msg"])
            for one in json.loads(outcome.stdout)["resources"] if one["kind"] or one["status"]  # an empty file has neither
        ]

    def expect_valid(self, results, least):
        wrong = [one for one in results if one[3] not in ("statusValid", "statusSkipped", "statusEmpty")]
        self.assertEqual(wrong, [])
        skipped = {one[1] for one in results if one[3] == "statusSkipped"}
        self.assertLessEqual(skipped, {kind for _, kind in UNCHECKED})
        self.assertGreater(sum(one[3] == "statusValid" for one in results), least)

    def test_every_kind_has_a_schema_or_a_reason(self):
        self.assertEqual(self.unknown, set())

    def test_every_golden_conforms(self):
        self.expect_valid(self.conform(*self.goldens), 200)

    def test_the_chart_conforms_in_every_variant(self):
        self.expect_valid(self.conform(*self.rendered), 60)

    def test_a_slip_is_found(self):
        (path,) = [one for one in self.goldens if one.parent.name == "minimal" and one.name == "database.yaml"]
        text = path.read_text(encoding="utf-8")
        for name, before, after in (
            ("misspelt", "readinessProbe:", "readynessProbe:"),
            ("of another type", "replicas: 1", "replicas: one"),
            ("misspelt in metadata", "  labels:", "  lables:"),
        ):
            self.assertIn(before, text)
            slip = self.folder / f"slip {name}.yaml"
            slip.write_text(text.replace(before, after), encoding="utf-8")
            self.assertIn("statusInvalid", {one[3] for one in self.conform(slip)}, name)

    def test_a_slip_in_a_kind_of_others_is_found(self):
        monitor = {
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "a"},
            "spec": {"selector": {}, "podMetricsEndpoints": [{"port": "metrics", "pathh": "/"}]},
        }
        path = self.folder / "slip of others.yaml"
        path.write_text(yaml.safe_dump(monitor), encoding="utf-8")
        self.assertEqual([one[3] for one in self.conform(path)], ["statusInvalid"])


if __name__ == "__main__":
    unittest.main()
