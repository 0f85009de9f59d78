#!/usr/bin/env python3
"""Two operators share a cluster, each with rights in its own namespaces alone: the real program, the
chart's rights, a real API server."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import yaml

from chart_test import CHART, ROOT, access, documents, eventually, helm, kubectl, of_kind, render

sys.path.insert(0, str(ROOT / "tests" / "support"))
import apiserver  # noqa: E402

PATIENCE = 180
# Who reads the cluster's classes, and who may not.
EAST, WEST = "contract-east", "contract-west"
EAST_TENANTS, WEST_TENANTS = ("contract-e1", "contract-e2"), ("contract-w1", "contract-closed")
NOBODYS = "contract-nobodys"


def values(namespaces, *more):
    return ("--set", f"watchNamespaces={{{','.join(namespaces)}}}", *more)


def tenant(namespace):
    return {
        "apiVersion": "alphorn.dev/v1alpha1",
        "kind": "CompanyHomeserver",
        "metadata": {"name": "acme", "namespace": namespace},
        "spec": {"serverName": f"{namespace}.example", "channel": "stable"},
    }


class Operator:
    """The program as the chart would start it, with the token of the chart's service account."""

    def __init__(self, folder, namespace, rendered):
        self.namespace = namespace
        self.folder = pathlib.Path(folder, namespace)
        self.folder.mkdir()
        (self.port,) = apiserver.free_ports(1)
        (deployment,) = of_kind(rendered, "Deployment")
        (config,) = [one for one in of_kind(rendered, "ConfigMap") if "config.yaml" in one["data"]]
        (self.folder / "config.yaml").write_text(config["data"]["config.yaml"])
        (self.folder / "kubeconfig").write_text(yaml.safe_dump(self.kubeconfig()))
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        own = {
            "--config": self.folder / "config.yaml", "--namespace": namespace, "--identity": f"{namespace}-0",
            "--listen-port": self.port,
        }
        arguments = [word for word in container["args"] if word.split("=")[0] not in own]
        arguments += [f"{name}={value}" for name, value in own.items()]
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [os.environ["ALPHORN_OPERATOR"], f"--kubeconfig={self.folder / 'kubeconfig'}", *arguments],
            stdout=self.log, stderr=self.log, preexec_fn=apiserver.die_with_parent,
        )

    def kubeconfig(self):
        path = pathlib.Path(os.environ["ALPHORN_TEST_KUBECONFIG"])
        config = yaml.safe_load(path.read_text())
        token = kubectl("create", "token", "alphorn", "-n", self.namespace).stdout.strip()
        if "certificate-authority" in config["clusters"][0]["cluster"]:
            cluster = config["clusters"][0]["cluster"]
            cluster["certificate-authority"] = str(path.parent / cluster["certificate-authority"])
        config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
        return config

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=30) as answer:
                return answer.status == 200
        except OSError:
            return False

    def said(self):
        return (self.folder / "log").read_text(encoding="utf-8")

    def stop(self):
        self.process.terminate()
        self.process.wait(120)
        self.log.close()


class Namespaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.east = render(*values(EAST_TENANTS), namespace=EAST)
        cls.west = render(
            *values(WEST_TENANTS), "--set", "rbac.readClasses=false,crds.install=false", namespace=WEST
        )
        for namespace in (EAST, WEST, *EAST_TENANTS, *WEST_TENANTS, NOBODYS):
            kubectl("create", "namespace", namespace)
        for rendered in (cls.east, cls.west):
            outcome = kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=access(rendered))
            assert outcome.returncode == 0, outcome.stderr
        kubectl("delete", "rolebinding", "alphorn-tenants", "-n", "contract-closed")
        outcome = eventually(lambda: kubectl("get", "chs", "-A"), lambda outcome: outcome.returncode == 0)
        assert outcome.returncode == 0, outcome.stderr
        cls.folder = tempfile.TemporaryDirectory()
        cls.operators = [Operator(cls.folder.name, EAST, cls.east), Operator(cls.folder.name, WEST, cls.west)]
        for namespace in ("contract-e1", "contract-e2", "contract-w1", NOBODYS):
            outcome = kubectl("create", "-f", "-", stdin=json.dumps(tenant(namespace)))
            assert outcome.returncode == 0, outcome.stderr

    @classmethod
    def tearDownClass(cls):
        for operator in cls.operators:
            operator.stop()
        for namespace in (*EAST_TENANTS, *WEST_TENANTS, NOBODYS):
            kubectl("delete", "chs", "acme", "-n", namespace, "--ignore-not-found", "--wait=false")
        cls.folder.cleanup()

    def status(self, namespace):
        outcome = kubectl("get", "chs", "acme", "-n", namespace, "-o", "json")
        return json.loads(outcome.stdout).get("status", {}) if outcome.returncode == 0 else {}

    def reason(self, namespace, condition):
        return {one["type"]: one["reason"] for one in self.status(namespace).get("conditions", [])}.get(condition)

    def children(self, namespace):
        outcome = kubectl("get", "statefulsets,networkpolicies,secrets", "-n", namespace, "-o", "name")
        return set(outcome.stdout.split())

    def must_come(self, ask, is_right, what):
        answer = eventually(ask, is_right, PATIENCE)
        logs = "\n".join(operator.said()[-1500:] for operator in self.operators)
        self.assertTrue(is_right(answer), f"{what}: {answer}\n{logs}")
        return answer

    def test_each_leads_in_its_own_namespace_and_is_ready(self):
        for operator in self.operators:
            self.must_come(operator.is_ready, bool, f"{operator.namespace} is ready")
            holder = self.must_come(
                lambda: kubectl(
                    "get", "lease", "alphorn-operator", "-n", operator.namespace, "-o", "jsonpath={.spec.holderIdentity}"
                ).stdout,
                bool, "the lease is held",
            )
            self.assertEqual(holder, f"{operator.namespace}-0")

    def test_one_that_reads_classes_says_what_is_wrong_with_them(self):
        for namespace in EAST_TENANTS:
            self.must_come(
                lambda: self.reason(namespace, "VolumesReady"), lambda reason: reason == "NoDefaultStorageClass",
                f"the operator looked for a class for {namespace}",
            )

    def test_one_that_may_not_goes_on_without(self):
        for wanted in ("statefulset.apps/acme-database", "networkpolicy.networking.k8s.io/acme-database",
                       "secret/acme-homeserver-keys"):
            self.must_come(
                lambda: self.children("contract-w1"), lambda children: wanted in children, f"{wanted} is there"
            )
        self.assertIn("storageclasses: may not be read", self.operators[1].said())

    def test_a_namespace_that_is_closed_keeps_nobody_waiting_and_is_served_when_it_opens(self):
        west = self.operators[1]
        self.must_come(west.is_ready, bool, "the operator is ready")
        self.assertIn("companyhomeservers of namespace contract-closed: may not be read", west.said())
        outcome = kubectl("create", "-f", "-", stdin=json.dumps(tenant("contract-closed")))
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=access(self.west))
        self.must_come(
            lambda: self.children("contract-closed"),
            lambda children: "statefulset.apps/acme-database" in children, "it is served",
        )

    def test_nobody_looks_at_other_namespaces(self):
        for operator in self.operators:
            self.must_come(operator.is_ready, bool, "the operator is ready")
        self.must_come(lambda: self.status("contract-w1"), bool, "its own are looked at")
        self.assertEqual(self.status(NOBODYS), {})
        self.assertEqual(self.children(NOBODYS), set())

    def test_nobody_was_refused_what_it_needs(self):
        for namespace in ("contract-e1", "contract-w1"):
            self.must_come(lambda: self.status(namespace), bool, "its own are looked at")
        refused = re.findall(r"[^\n]*forbidden[^\n]*", "".join(operator.said() for operator in self.operators))
        # The closed namespace is refused on purpose.
        self.assertEqual([line for line in refused if "contract-closed" not in line and "classes" not in line], [])

    def test_nobody_has_a_right_elsewhere(self):
        (rules,) = {json.dumps(role["rules"]) for role in of_kind(self.east, "Role")
                    if role["metadata"]["name"] == "alphorn-tenants"}
        checks = [
            (verb, resource.split("/")[0] + (f".{rule['apiGroups'][0]}" if rule["apiGroups"][0] else ""),
             [f"--subresource={resource.split('/')[1]}"] if "/" in resource else [])
            for rule in json.loads(rules) for resource in rule["resources"] for verb in rule["verbs"]
        ]
        self.assertGreater(len(checks), 40)
        for namespace, expected in ((NOBODYS, "no"), ("contract-w1", "no"), ("contract-e1", "yes")):
            reviews = [self.review(EAST, namespace, check) for check in checks]
            answers = kubectl("create", "-o", "json", "-f", "-", stdin="---\n".join(map(json.dumps, reviews)))
            self.assertEqual(answers.returncode, 0, answers.stderr)
            for check, allowed in zip(checks, self.allowed(answers.stdout)):
                self.assertEqual(allowed, expected == "yes", f"{check} in {namespace}")

    def review(self, operator, namespace, check):
        verb, resource, options = check
        plural, _, group = resource.partition(".")
        attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": plural}
        if options:
            attributes["subresource"] = options[0].split("=")[1]
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": f"system:serviceaccount:{operator}:alphorn", "resourceAttributes": attributes},
        }

    def allowed(self, text):
        """kubectl prints one object after the other."""
        decoder, position = json.JSONDecoder(), 0
        while position < len(text.rstrip()):
            found, position = decoder.raw_decode(text, position)
            for item in found.get("items", [found]):
                yield item["status"]["allowed"]
            position += len(text[position:]) - len(text[position:].lstrip())

    def test_two_releases_have_no_object_in_common(self):
        options = ("--set", "flowSchema.enabled=true,monitoring.enabled=true")
        first = render(*values(EAST_TENANTS), *options, namespace=EAST)
        second = render(*values(WEST_TENANTS), *options, "--set", "crds.install=false", namespace=WEST)
        everywhere = render(*options, "--set", "crds.install=false", namespace="contract-third")
        sets = [
            {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in documents(text)}
            for text in (first, second, everywhere)
        ]
        for left, right in ((0, 1), (0, 2), (1, 2)):
            self.assertEqual(sets[left] & sets[right], set())

    def test_can_be_installed_by_who_has_no_right_in_the_cluster(self):
        text = render(
            *values(EAST_TENANTS), "--set", "crds.install=false,deletionGuard.enabled=false,rbac.readClasses=false"
        )
        for one in documents(text):
            self.assertIn("namespace", one["metadata"], one["kind"])

    def test_a_namespace_is_named_once(self):
        refused = helm("template", "alphorn", CHART, "--set", "image=x", *values(("a", "a")))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("watchNamespaces", refused.stderr)


if __name__ == "__main__":
    unittest.main()
