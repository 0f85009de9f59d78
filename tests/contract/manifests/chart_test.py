#!/usr/bin/env python3
"""The Helm chart against a real API server: it renders, is valid, grants little, guards what is kept."""

import json
import os
import pathlib
import subprocess
import time
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHART = ROOT / "charts" / "alphorn"
NAMESPACE = "contract-chart"
IMAGE = "image=registry.example/alphorn-operator:0.1.0"


def hyperkube():
    """The playground's one Kubernetes binary: $ALPHORN_HYPERKUBE, or the newest in ./dev's cache."""
    given = os.environ.get("ALPHORN_HYPERKUBE")
    if given:
        return given
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    built = sorted((cache / "alphorn" / "bin").glob("hyperkube-*/hyperkube"), key=os.path.getmtime)
    if not built:
        raise RuntimeError("no Kubernetes binary is there: run `./dev test contract`, which builds it")
    return built[-1]


def run(*command, stdin=None):
    return subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=300, check=False
    )


def helm(*arguments):
    return run(hyperkube(), "helm", *arguments)


def kubectl(*arguments, stdin=None):
    return run(
        hyperkube(), "kubectl", f"--kubeconfig={os.environ['ALPHORN_TEST_KUBECONFIG']}", *arguments, stdin=stdin
    )


def render(*arguments, namespace=NAMESPACE):
    outcome = helm("template", "alphorn", CHART, "--namespace", namespace, "--set", IMAGE, *arguments)
    if outcome.returncode != 0:
        raise AssertionError(outcome.stderr)
    return outcome.stdout


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def of_kind(text, kind):
    return [document for document in documents(text) if document["kind"] == kind]


def access(rendered):
    """Who may do what, and the definitions without which kubectl does not know the words."""
    kinds = ("CustomResourceDefinition", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    return "---\n".join(yaml.safe_dump(found) for kind in kinds for found in of_kind(rendered, kind))


def eventually(ask, is_right, seconds=120):
    """The API server learns of new rules, definitions and policies with a short delay."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if is_right(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


def secret(namespace, **annotations):
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "acme-homeserver-keys",
                "namespace": namespace,
                "labels": {"alphorn.dev/keep": "true", "alphorn.dev/tenant": "acme"},
                "annotations": annotations,
            },
        }
    )


class Chart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in (NAMESPACE, "contract-guard", "contract-guard-going"):
            kubectl("create", "namespace", name)
        kubectl("label", "namespace", NAMESPACE, "--overwrite", "pod-security.kubernetes.io/enforce=restricted")
        cls.rendered = render()

    def must(self, outcome):
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        return outcome.stdout

    def test_passes_lint(self):
        self.must(helm("lint", "--strict", CHART, "--set", IMAGE))

    def test_is_valid_to_the_last_field(self):
        self.must(
            kubectl(
                "apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "-f", "-",
                stdin=self.rendered,
            )
        )

    def test_the_operators_pods_carry_the_label_by_which_tenants_let_it_in(self):
        (deployment,) = of_kind(self.rendered, "Deployment")
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(labels["app.kubernetes.io/name"], "alphorn-operator")

    def test_is_valid_with_the_playgrounds_values_and_every_option(self):
        rendered = render(
            "-f", ROOT / "playground" / "values.yaml",
            "--set", "replicas=3,priorityClassName=high,nodeSelector.disk=ssd,podAnnotations.a=b",
            "--set", "flowSchema.enabled=true,maxRequestsInFlight=20",
            "--set", "tolerations[0].key=x,tolerations[0].operator=Exists,imagePullSecrets[0].name=pull",
        )
        self.must(
            kubectl(
                "apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "-f", "-",
                stdin=rendered,
            )
        )

    def test_a_restricted_namespace_admits_the_operator(self):
        (deployment,) = of_kind(self.rendered, "Deployment")
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "try", "namespace": NAMESPACE},
            "spec": deployment["spec"]["template"]["spec"],
        }
        self.must(kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod)))
        for container in pod["spec"]["containers"]:
            self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
            self.assertEqual(set(container["resources"]), {"requests", "limits"})

    def test_installs_the_definitions_of_this_repository(self):
        ours = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
        self.assertEqual(of_kind(self.rendered, "CustomResourceDefinition"), ours)
        self.assertEqual(of_kind(render("--set", "crds.install=false"), "CustomResourceDefinition"), [])

    def test_says_what_is_missing_or_misspelt(self):
        self.assertIn("name the operator's image", helm("template", "alphorn", CHART).stderr)
        misspelt = helm("template", "alphorn", CHART, "--set", IMAGE, "--set", "imagePolicy=Always")
        self.assertIn("imagePolicy", misspelt.stderr)
        self.assertNotEqual(misspelt.returncode, 0)

    def notes(self, *arguments):
        """What a person reads after the installation."""
        outcome = helm(
            "install", "alphorn", CHART, "--dry-run=client", "--namespace", NAMESPACE, "--set", IMAGE, *arguments
        )
        return self.must(outcome).partition("\nNOTES:\n")[2]

    def test_the_commands_in_its_notes_run_as_they_are_printed(self):
        for arguments, expected in (
            ((), {"channel": "stable"}),
            (("--set", "channels.stable=null"), {"version": "1.163.2"}),
            (("--set", "watchNamespaces={acme,bravo}"), {"channel": "stable"}),
        ):
            lines = self.notes(*arguments).splitlines()
            commands = [line for line in lines if not (line[:1].isupper() and line.endswith(":"))]
            # A kubectl that shows what it is given; bash warns of a here-document without an end.
            script = 'kubectl() { echo "# $*"; case "$*" in *" -f -") cat ;; esac; }\n' + "\n".join(commands)
            outcome = run("bash", "-eu", "-c", script)
            self.assertEqual(outcome.stderr, "")
            self.must(outcome)
            self.assertIn("# -n acme wait --for=condition=Ready chs/acme", outcome.stdout)
            (tenant,) = documents(outcome.stdout)
            self.assertEqual(tenant["spec"], {"serverName": "acme.example", **expected})

    def test_a_changed_catalogue_rolls_the_operator(self):
        def checksum(text):
            return of_kind(text, "Deployment")[0]["spec"]["template"]["metadata"]["annotations"]

        self.assertNotEqual(checksum(self.rendered), checksum(render("--set", "channels.next=1.164.0")))

    def test_grants_what_the_operator_needs_and_no_more(self):
        self.must(
            kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=self.access())
        )
        granted = [
            ("patch", "companyhomeservers.alphorn.dev", ["--subresource=status"], "acme"),
            ("create", "statefulsets.apps", [], "acme"),
            ("delete", "pods", [], "acme"),
            ("create", "secrets", [], "acme"),
            ("patch", "persistentvolumeclaims", [], "acme"),
            ("delete", "persistentvolumeclaims", [], "acme"),
            ("patch", "companyhomeservers.alphorn.dev", [], "acme"),
            ("watch", "storageclasses.storage.k8s.io", [], "acme"),
            ("create", "events.events.k8s.io", [], "acme"),
            ("list", "events.events.k8s.io", [], "acme"),
            ("update", "leases.coordination.k8s.io", [], NAMESPACE),
        ]
        refused = [
            ("delete", "companyhomeservers.alphorn.dev", [], "acme"),
            ("update", "secrets", [], "acme"),
            ("update", "leases.coordination.k8s.io", [], "acme"),
            ("create", "pods", [], "acme"),
            ("create", "pods", ["--subresource=exec"], "acme"),
            ("create", "rolebindings.rbac.authorization.k8s.io", [], "acme"),
            ("list", "nodes", [], "acme"),
            ("delete", "namespaces", [], "acme"),
            ("get", "companyhomeservers.alphorn.dev", [], "acme"),
            ("get", "pods", [], "acme"),
            ("get", "storageclasses.storage.k8s.io", [], "acme"),
            ("patch", "leases.coordination.k8s.io", [], NAMESPACE),
        ]
        for expected, checks in (("yes", granted), ("no", refused)):
            for verb, resource, options, namespace in checks:
                command = ["auth", "can-i", verb, resource, *options, "-n", namespace]
                command.append(f"--as=system:serviceaccount:{NAMESPACE}:alphorn")
                answer = eventually(lambda: kubectl(*command), lambda outcome: outcome.stdout.strip() == expected)
                self.assertEqual(answer.stdout.strip(), expected, f"{verb} {resource} {options} in {namespace}")

    def test_the_servers_fairness_can_give_it_a_level_of_more_weight(self):
        self.assertEqual(of_kind(self.rendered, "FlowSchema"), [])
        schemas = of_kind(render("--set", "flowSchema.enabled=true"), "FlowSchema")
        text = "---\n".join(yaml.safe_dump(schema) for schema in schemas)
        self.must(kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text))
        self.addCleanup(kubectl, "delete", "-f", "-", stdin=text)

        def schema_of(*command):
            # The server says in each answer by which schema it judged the request.
            answer = kubectl(
                *command, "-v=8", f"--as=system:serviceaccount:{NAMESPACE}:alphorn",
                "--as-group=system:serviceaccounts", "--as-group=system:authenticated",
            ).stderr.lower()
            uid = answer.partition("x-kubernetes-pf-flowschema-uid: ")[2].split()[:1]
            return uid[0] if uid else ""

        for name, command in (
            (f"{NAMESPACE}.alphorn", ("get", "configmaps", "--all-namespaces")),
            (f"{NAMESPACE}.alphorn", ("get", "storageclasses")),
            (f"{NAMESPACE}.alphorn-lease", ("get", "leases", "-n", NAMESPACE)),
        ):
            uid = self.must(kubectl("get", "flowschema", name, "-o", "jsonpath={.metadata.uid}"))
            judged = eventually(lambda: schema_of(*command), lambda seen: seen == uid)
            self.assertEqual(judged, uid, command)

    def access(self):
        return access(self.rendered)

    def guard(self):
        """Installs the deletion guard and waits until the API server minds it."""
        kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
        text = "---\n".join(yaml.safe_dump(found) for kind in kinds for found in of_kind(self.rendered, kind))
        self.must(kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text))
        self.addCleanup(kubectl, "delete", "-f", "-", stdin=text)
        self.must(kubectl("apply", "--server-side", "-f", "-", stdin=secret("contract-guard")))
        return eventually(
            lambda: self.delete_secret("contract-guard", "--dry-run=server"), lambda outcome: outcome.returncode != 0
        )

    def delete_secret(self, namespace, *options):
        return kubectl("delete", "secret", "acme-homeserver-keys", "-n", namespace, *options)

    def test_monitoring_is_rendered_on_request(self):
        self.assertNotIn("monitoring.coreos.com", render())
        text = render("--set", "monitoring.enabled=true,monitoring.namespace=watch,monitoring.labels.release=main")
        self.assertEqual(len(of_kind(text, "PodMonitor")), 7)
        (rule,) = of_kind(text, "PrometheusRule")
        self.assertEqual(rule["metadata"]["labels"]["release"], "main")
        self.assertEqual(rule["spec"], yaml.safe_load((CHART / "files" / "rules.yaml").read_text()))
        (dashboards,) = [one for one in of_kind(text, "ConfigMap") if "grafana_dashboard" in one["metadata"]["labels"]]
        for name, content in dashboards["data"].items():
            self.assertTrue(json.loads(content)["panels"], name)
        (config,) = [one for one in of_kind(text, "ConfigMap") if "config.yaml" in one["data"]]
        catalogue = yaml.safe_load(config["data"]["config.yaml"])
        self.assertEqual(catalogue["monitoring"]["namespace"], "watch")
        self.assertLessEqual({"postgresExporter", "nginxExporter"}, catalogue["images"].keys())

    def test_guards_what_is_kept(self):
        refusal = self.guard()
        self.assertIn("Forbidden", refusal.stderr)
        self.assertIn("acme-homeserver-keys holds keys of the homeserver acme", refusal.stderr)
        self.assertIn("annotate it with alphorn.dev/allow-delete=true first", refusal.stderr)
        self.assertNotEqual(kubectl("delete", "secrets", "--all", "-n", "contract-guard").returncode, 0)

        # What goes with its tenant is marked, and then goes by the operator's hand alone.
        self.must(kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=self.access()))
        operator = f"--as=system:serviceaccount:{NAMESPACE}:alphorn"
        self.assertIn("Forbidden", self.delete_secret("contract-guard", operator).stderr)
        marked = secret("contract-guard", **{"alphorn.dev/erased-with": "the uid of acme"})
        self.must(kubectl("apply", "--server-side", "-f", "-", stdin=marked))
        self.assertIn("Forbidden", self.delete_secret("contract-guard").stderr)
        self.must(self.delete_secret("contract-guard", operator))

        allowed = secret("contract-guard", **{"alphorn.dev/allow-delete": "true"})
        self.must(kubectl("apply", "--server-side", "-f", "-", stdin=allowed))
        self.must(self.delete_secret("contract-guard"))

        # With its whole namespace everything may go.
        self.must(kubectl("apply", "--server-side", "-f", "-", stdin=secret("contract-guard-going")))
        self.must(kubectl("delete", "namespace", "contract-guard-going", "--wait=false"))
        self.must(
            eventually(
                lambda: self.delete_secret("contract-guard-going"), lambda outcome: outcome.returncode == 0
            )
        )

    def test_lets_the_operator_set_finalizers_and_nothing_else(self):
        self.must(kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=self.access()))
        self.guard()
        # Whoever refuses, the object must be there: without a homeserver there is nothing to change.
        tenant = {
            "apiVersion": "alphorn.dev/v1alpha1",
            "kind": "CompanyHomeserver",
            "metadata": {"name": "guarded", "namespace": NAMESPACE},
            "spec": {"serverName": "guarded.example", "channel": "stable"},
        }
        self.must(eventually(
            lambda: kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(tenant)),
            lambda outcome: outcome.returncode == 0,
        ))

        def change(**fields):
            changed = {name: tenant[name] for name in ("apiVersion", "kind")}
            changed["metadata"] = {"name": "guarded", "namespace": NAMESPACE, **fields.pop("metadata", {})}
            # Server-side, for kubectl's own patches read the object first, which the operator may not.
            return kubectl(
                "apply", "--server-side", "--force-conflicts", "--field-manager=operator", "--validate=false",
                f"--as=system:serviceaccount:{NAMESPACE}:alphorn", "-f", "-", stdin=json.dumps({**changed, **fields}),
            )

        refused = eventually(
            lambda: change(spec={"paused": True}), lambda outcome: "finalizers" in outcome.stderr
        )
        self.assertIn("changes nothing of a CompanyHomeserver but its finalizers", refused.stderr)
        self.must(change(metadata={"finalizers": ["alphorn.dev/erase"]}))
        self.must(change())
        self.must(kubectl("delete", "chs", "guarded", "-n", NAMESPACE))


if __name__ == "__main__":
    unittest.main()
