"""A company's people come from a CompanyDirectory: runs in the cluster, passwords for one reader."""

import base64
import csv
import io
import json
import pathlib
import subprocess
import tarfile

import pytest

from support import kubectl as k
from support import matrix
from support.waiting import Stopwatch, figure, wait_until

CDIR = "companydirectories.alphorn.dev"
NAMES = ["anna", "beat", "chiara", "denis", "eva"]
STAFF = "staff-list"
READER = "reader"
# Has tar; what has the sheets has no shell.
IMAGE_WITH_TAR = "localhost/alphorn/nginx:1.22"
UNTIL_READY = 240
UNTIL_RUN = 120

# The fifth line has a slip; what is said of it begins in the column thirteen.
SLIP = """\
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
metadata: {{name: {name}}}
spec:
  emploees: {{csv: staff.csv}}
  serverName: {server}
"""
MENDED = """\
apiVersion: alphorn.dev/v1alpha1
kind: CompanyDirectory
metadata: {{name: {name}}}
spec:
  serverName: {server}
  homeserver: {{recipients: [{recipient}]}}
  employees: {{csv: staff.csv}}
  spaces:
  - {{key: all, name: All, administrators: [anna], rooms: [{{key: news, name: News}}]}}
"""


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("payroll")


@pytest.fixture(scope="module")
def server(company):
    return company.manifest()["spec"]["serverName"]


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """The key file of the client's administrator, and its public half."""
    path = tmp_path_factory.mktemp("keys") / "key.txt"
    subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", str(path)], check=True, capture_output=True, text=True)
    return path, public.stdout.strip()


@pytest.fixture(scope="module")
def memory():
    return {}


def document(server, recipient, names):
    return {
        "serverName": server,
        "homeserver": {"recipients": [recipient], "company": "Payroll SA"},
        "employees": {"people": [{"localpart": name, "displayName": name.title()} for name in names]},
        "spaces": [{"key": "all", "name": "All", "administrators": ["anna"],
                    "rooms": [{"key": "news", "name": "News"}]}],
    }


def directory(company):
    found = k.get(CDIR, company.name, company.namespace)
    assert found, "the CompanyDirectory is gone"
    return found


def status(company):
    found = directory(company)
    told = found.get("status", {})
    assert told.get("observedGeneration") == found["metadata"]["generation"], "not looked at yet"
    return told


def expect(company, condition, value, reason, message=""):
    told = {entry["type"]: entry for entry in status(company).get("conditions", [])}
    entry = told.get(condition)
    assert entry, f"no condition {condition}"
    said = f"{condition}={entry['status']} {entry['reason']}: {entry['message']}"
    assert (entry["status"], entry["reason"]) == (value, reason) and message in entry["message"], said


def wait_for(company, condition, value, reason, message="", limit=UNTIL_RUN):
    wait_until(f"{condition}={value} {reason}",
               lambda: expect(company, condition, value, reason, message), limit)


def change(company, **spec):
    k.patch(CDIR, company.name, company.namespace, {"spec": spec})


def bring(company, text, people):
    table = "localpart,displayName\n" + "".join(f"{name},{name.title()}\n" for name in people)
    data = {name: base64.b64encode(content.encode()).decode()
            for name, content in {"company.yaml": text, "staff.csv": table}.items()}
    if k.get("secret", STAFF, company.namespace):
        return k.patch("secret", STAFF, company.namespace, {"data": data})
    return k.create({"apiVersion": "v1", "kind": "Secret", "data": data,
                     "metadata": {"name": STAFF, "namespace": company.namespace,
                                  "labels": {k.TENANT_LABEL: company.name}}})


def mended(company, server, identity):
    return MENDED.format(name=company.name, server=server, recipient=identity[1])


def accounts(company):
    administrator = matrix.administrator_of(company)
    code, answer = company.from_inside("GET", "/_synapse/admin/v2/users?limit=100", administrator.token)
    assert code == 200, answer
    return {user["name"].split(":")[0].lstrip("@") for user in answer["users"]}


def fetch_sheets(company, claim, path, target):
    """As docs/directory.md tells the client's administrator to."""
    k.create({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": READER, "namespace": company.namespace},
        "spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001,
                                "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": READER, "image": IMAGE_WITH_TAR, "command": ["sleep", "3600"],
                "securityContext": {"allowPrivilegeEscalation": False,
                                    "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "state", "mountPath": "/state", "readOnly": True}]}],
            "volumes": [{"name": "state", "persistentVolumeClaim": {"claimName": claim}}]}})
    try:
        k.kubectl("wait", "-n", company.namespace, f"pod/{READER}", "--for=condition=Ready", "--timeout=300s")
        k.kubectl("cp", "-n", company.namespace, f"{READER}:/state/{path}", str(target))
    finally:
        k.delete("pod", READER, company.namespace, wait=True)
    return pathlib.Path(target)


def passwords_in(folder, key_file):
    """User id -> password, by age and tar alone."""
    found = {}
    for part in sorted(folder.glob("credentials-*.tar.age")):
        opened = subprocess.run(["age", "--decrypt", "--identity", str(key_file), str(part)],
                                check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(opened.stdout)) as archive:
            for member in archive:
                if not member.name.endswith(".csv"):
                    continue
                rows = list(csv.reader(io.StringIO(archive.extractfile(member).read().decode())))
                found.update({row[0]: row[2] for row in rows[1:]})
    return found


def test_it_waits_for_its_homeserver_and_goes_on_by_itself(company, server, identity):
    watch = Stopwatch()
    company.found()
    k.create({"apiVersion": "alphorn.dev/v1alpha1", "kind": "CompanyDirectory",
              "metadata": {"name": company.name, "namespace": company.namespace},
              "spec": document(server, identity[1], NAMES)})
    wait_for(company, "Ready", "False", "HomeserverNotReady", limit=30)
    wait_for(company, "Ready", "True", "Applied", limit=UNTIL_READY)
    figure("from nothing to a company with its people", f"{watch.seconds:.0f} s")
    told = status(company)
    assert (told["people"], told["rooms"]) == (len(NAMES), 2)
    assert told["lastRun"]["result"] == "done" and told["lastRun"]["failed"] == 0
    assert accounts(company) >= set(NAMES)


def test_a_person_logs_in_with_the_password_that_was_sealed(company, server, identity, memory, tmp_path):
    bundle = status(company)["sealedBundle"]
    assert bundle == {"claimName": f"{company.name}-directory", "path": f"{server}.alphorn"}
    folder = fetch_sheets(company, bundle["claimName"], bundle["path"], tmp_path / "sheets")
    memory["passwords"] = passwords_in(folder, identity[0])
    assert set(memory["passwords"]) == {f"@{name}:{server}" for name in NAMES}
    contact = company.contact()
    anna = matrix.Client(contact["address"], contact["caFile"])
    anna.login(f"@anna:{server}", memory["passwords"][f"@anna:{server}"])
    assert len(anna.sync()["rooms"]["join"]) == 2
    memory["anna"] = anna
    # Nobody else can: neither the resource nor what the runs left in the cluster has a password.
    shown = json.dumps([directory(company), k.listed("pods,jobs,cronjobs,events", company.namespace)])
    assert not any(password in shown for password in memory["passwords"].values())


def test_a_changed_document_is_run_at_once(company, server, identity, memory):
    before = status(company)["lastRun"]["job"]
    watch = Stopwatch()
    change(company, employees=document(server, identity[1], [*NAMES, "fabio"])["employees"])

    def applied():
        told = status(company)
        expect(company, "Ready", "True", "Applied")
        assert told["people"] == len(NAMES) + 1 and told["lastRun"]["job"] != before, told["lastRun"]
    wait_until("the sixth person", applied, UNTIL_RUN)
    figure("from the changed document to its account", f"{watch.seconds:.0f} s")
    assert "fabio" in accounts(company)
    assert memory["anna"].sync(), "who was there stays logged in"
    assert k.get("job", before, company.namespace) is None, "former documents go with their runs"


def test_a_slip_is_told_with_its_line_and_nothing_is_changed(company, server):
    before = accounts(company)
    bring(company, SLIP.format(name=company.name, server=server), NAMES)
    change(company, serverName=None, homeserver=None, employees=None, spaces=None,
           documentFrom={"secretRef": {"name": STAFF}})
    wait_for(company, "DocumentValid", "False", "DocumentRejected", "company.yaml:5:13: spec.emploees:")
    expect(company, "Ready", "False", "DocumentRejected", "employees")
    expect(company, "Stalled", "True", "DocumentRejected")
    tries = k.listed("pods", company.namespace, f"batch.kubernetes.io/job-name={status(company)['lastRun']['job']}")
    assert len(tries) == 1, "another try would come to the same"
    assert accounts(company) == before


def test_the_mended_one_in_its_secret_is_taken_with_the_table_beside_it(company, server, identity):
    bring(company, mended(company, server, identity), [*NAMES, "fabio", "gina"])
    wait_for(company, "Ready", "True", "Applied")
    assert status(company)["people"] == len(NAMES) + 2
    assert "gina" in accounts(company)


def test_who_leaves_is_locked_once_somebody_means_it(company, server, identity):
    before = accounts(company)
    bring(company, mended(company, server, identity), NAMES)
    wait_for(company, "Ready", "False", "RunRefused", "2 of 7 people")
    assert accounts(company) == before
    change(company, allowLeavers=2)
    wait_for(company, "Ready", "True", "Applied")
    assert status(company)["people"] == len(NAMES)
    change(company, allowLeavers=None)
    wait_for(company, "Ready", "True", "Applied")


def test_a_run_by_hand_finds_nothing_to_do(company):
    k.kubectl("create", "job", "-n", company.namespace, "by-hand",
              f"--from=cronjob/{company.name}-directory")

    def told():
        last = status(company)["lastRun"]
        assert last["job"] == "by-hand", last
        assert (last["result"], last["planned"]) == ("done", 0), last
    wait_until("the run by hand", told, UNTIL_RUN)
    expect(company, "Ready", "True", "Applied")


def test_a_second_directory_of_the_same_homeserver_is_not_run(company, server, identity):
    k.create({"apiVersion": "alphorn.dev/v1alpha1", "kind": "CompanyDirectory",
              "metadata": {"name": "second", "namespace": company.namespace},
              "spec": {**document(server, identity[1], ["anna"]), "homeserverRef": {"name": company.name}}})

    def refused():
        told = k.get(CDIR, "second", company.namespace).get("status", {})
        reasons = {entry["type"]: entry["reason"] for entry in told.get("conditions", [])}
        assert reasons.get("Stalled") == "HomeserverTaken", reasons
    wait_until("the second one is told off", refused, 30)
    assert k.get("cronjob", "second-directory", company.namespace) is None
    k.delete(CDIR, "second", company.namespace, wait=True)


def test_the_sealed_passwords_outlive_it(company):
    k.delete(CDIR, company.name, company.namespace, wait=True)

    def gone():
        left = k.listed("jobs,cronjobs,pods,secrets,networkpolicies", company.namespace,
                        f"alphorn.dev/directory={company.name}")
        assert not left, [k.name_of(item) for item in left]
    wait_until("its children are gone", gone, 60)
    claim = f"{company.name}-directory"
    assert k.get("persistentvolumeclaim", claim, company.namespace)
    assert "allow-delete" in k.refusal("delete", "persistentvolumeclaim", claim, "-n", company.namespace)

    def closed():
        assert k.get("networkpolicy", claim, company.namespace) is None, "no arrow without a directory"
    wait_until("its arrow is gone", closed, 60)
    company.expect("Ready", "True")
