"""A database of somebody else is looked at before anything starts; a new password disturbs nobody."""

import base64
import collections
import secrets
import subprocess
import tempfile
import pathlib
import threading
import time

import pytest

from support import kubectl as k
from support import matrix
from support.postgres import psql
from support.waiting import Stopwatch, figure, wait_until

POSTGRES = "localhost/alphorn/postgres:15"
PODS = "10.244.0.0/16"
SERVER = "records"
PASSWORD = "records-password"
ROTATE = "alphorn.dev/rotate-database-password"
REQUEST = "because Bob left"
UNTIL_TOLD = 45
# The promise: once the cause is gone, it is noticed within half a minute.
UNTIL_HEALED = 30
UNTIL_ROTATED = 240
USERS = 4


def log_in(namespace, pod, user, password):
    """Whether the server takes a password; which goes over standard input."""
    script = ("read -r PGPASSWORD; export PGPASSWORD; psql --no-psqlrc -h 127.0.0.1 -d synapse "
              f"-U {user} -Atc 'SELECT current_user' </dev/null 2>&1 || true")
    return k.kubectl("exec", "-i", "-n", namespace, pod, "-c", "postgres", "--", "sh", "-c", script,
                     stdin=password + "\n").strip()


class Records:
    """A PostgreSQL server that is not the operator's, with a certificate of its own authority."""

    START = ("initdb --pgdata=/data/pg --username=postgres --encoding=UTF8 --locale=C.UTF-8 "
             "--auth-local=trust --auth-host=scram-sha-256 >/dev/null && exec postgres -D /data/pg "
             "-c listen_addresses='*' -c unix_socket_directories=/run/postgresql -c ssl=on "
             "-c ssl_cert_file=/tls/tls.crt -c ssl_key_file=/tls/tls.key -c hba_file=/tls/pg_hba.conf")

    def __init__(self, namespace):
        self.namespace = namespace
        self.host = f"{SERVER}.{namespace}.svc"
        self.right = secrets.token_urlsafe(24)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=records",
                 "-addext", f"subjectAltName=DNS:{self.host}", "-keyout", path / "key",
                 "-out", path / "crt"], check=True, capture_output=True)
            self.authority = (path / "crt").read_text()
            self._key = (path / "key").read_text()

    def external(self):
        return {"host": self.host, "secretRef": {"name": PASSWORD}, "caBundle": self.authority,
                "networks": [PODS]}

    def open(self):
        """The server starts, with a database in a locale that Synapse cannot live with."""
        metadata = {"name": SERVER, "namespace": self.namespace, "labels": {"app": SERVER}}
        k.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {
            "tls.crt": self.authority, "tls.key": self._key,
            "pg_hba.conf": "local all postgres trust\nhostssl all all all scram-sha-256\n"
                           "host all all 127.0.0.1/32 scram-sha-256\n"}})
        k.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
            "clusterIP": "None", "selector": {"app": SERVER}, "ports": [{"port": 5432}]}})
        folders = [("data", "/data"), ("sockets", "/run/postgresql"), ("tmp", "/tmp")]
        k.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {
            "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 999, "runAsGroup": 999,
                                "fsGroup": 999, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "postgres", "image": POSTGRES, "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", self.START],
                "readinessProbe": {"periodSeconds": 1, "exec": {
                    "command": ["pg_isready", "--quiet", "--host=127.0.0.1"]}},
                "securityContext": {"allowPrivilegeEscalation": False,
                                    "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": name, "mountPath": path} for name, path in folders]
                + [{"name": "tls", "mountPath": "/tls", "readOnly": True}]}],
            "volumes": [{"name": name, "emptyDir": {}} for name, _ in folders]
            + [{"name": "tls", "secret": {"secretName": SERVER, "defaultMode": 0o440}}]}})

        def ready():
            pod = k.get("pod", SERVER, self.namespace)
            assert any(one["type"] == "Ready" and one["status"] == "True"
                       for one in pod["status"].get("conditions", [])), pod["status"]["phase"]
        wait_until("the company's own PostgreSQL runs", ready, 60)
        self.set_password(self.right)
        self.run("CREATE DATABASE synapse OWNER synapse;")

    def run(self, statements):
        return psql(self.namespace, SERVER, statements)

    def set_password(self, password):
        self.run("SELECT 'CREATE ROLE synapse LOGIN' WHERE NOT EXISTS "
                 "(SELECT FROM pg_roles WHERE rolname = 'synapse') \\gexec\n"
                 f"ALTER ROLE synapse PASSWORD '{password}';")


class Rush:
    """People who use a company all the time; every answer is counted."""

    def __init__(self, company):
        self.answers = collections.Counter()
        self._over = threading.Event()
        first = matrix.administrator_of(company)
        self._people = []
        for _ in range(USERS):
            person = matrix.Client(first.address, first._session.verify)
            person.token, person.user = first.token, first.user
            self._people.append(person)
        self._room = first.create_room(preset="private_chat")
        self._threads = [threading.Thread(target=self._ask, args=(number, person), daemon=True)
                         for number, person in enumerate(self._people)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number, person):
        count = 0
        while not self._over.is_set():
            count += 1
            try:
                # What is asked is in no cache: each asks the database.
                answer = person.send("PUT", f"/_matrix/client/v3/user/{person.user}/account_data/"
                                     f"example.{number}", json={"count": count})
                self.answers[answer.status_code] += 1
                answer = person.send("GET", f"/_matrix/client/v3/rooms/{self._room}/messages"
                                     "?dir=b&limit=5")
                self.answers[answer.status_code] += 1
            except OSError as error:
                self.answers[type(error).__name__] += 1
            time.sleep(0.02)

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join(240)


@pytest.fixture(scope="module")
def records(offices):
    return Records(offices.namespace("-elsewhere"))


@pytest.fixture(scope="module")
def harbour(offices):
    """Its database is somebody else's."""
    return offices.company("harbour")


@pytest.fixture(scope="module")
def lantern(offices):
    """Its database is the operator's."""
    company = offices.company("lantern")
    company.found()
    return company


@pytest.fixture(scope="module")
def memory():
    memory = {}
    yield memory
    if "rush" in memory:
        memory["rush"].end()


def bring(company, password):
    encoded = {"password": base64.b64encode(password.encode()).decode()}
    if k.get("secret", PASSWORD, company.namespace):
        k.patch("secret", PASSWORD, company.namespace, {"data": encoded})
        return
    k.create({"apiVersion": "v1", "kind": "Secret", "data": encoded,
              "metadata": {"name": PASSWORD, "namespace": company.namespace,
                           "labels": {k.TENANT_LABEL: company.name}}})


def uids(company):
    return {k.name_of(pod): k.uid_of(pod) for pod in company.pods()
            if pod["status"]["phase"] == "Running"}


def test_a_missing_password_is_named(lantern, harbour, records):
    assert lantern.name  # starts meanwhile
    harbour.found(database={"mode": "external", "external": records.external()})
    said = harbour.wait_for("DatabaseReady", "False", "DatabaseSecretMissing", limit=UNTIL_TOLD)
    assert PASSWORD in said["message"] and k.TENANT_LABEL in said["message"]


def test_a_server_that_is_not_there_is_named(harbour, records):
    bring(harbour, "wrong")
    harbour.wait_for("DatabaseReady", "False", "DatabaseUnreachable", records.host, limit=UNTIL_TOLD)


def test_a_new_password_is_asked_for_while_people_work(lantern, memory):
    lantern.wait_ready()
    memory["before"] = lantern.secret("database-login")["synapse"].decode()
    memory["pods"] = uids(lantern)
    memory["since"] = lantern.expect("Ready", "True")["lastTransitionTime"]
    assert log_in(lantern.namespace, "lantern-database-0", "synapse", memory["before"]) == "synapse"
    memory["rush"] = Rush(lantern)
    memory["watch"] = Stopwatch()
    k.kubectl("annotate", "chs", lantern.name, "-n", lantern.namespace, f"{ROTATE}={REQUEST}")


def test_a_wrong_password_is_named(harbour, records):
    records.open()
    harbour.wait_for("DatabaseReady", "False", "DatabasePasswordRefused", PASSWORD, limit=UNTIL_TOLD)


def test_a_wrong_locale_is_named_and_nothing_has_started(harbour, records):
    watch = Stopwatch()
    bring(harbour, records.right)
    harbour.wait_for("DatabaseReady", "False", "DatabaseWrongLocale", "COLLATE C.UTF-8",
                     limit=UNTIL_HEALED)
    figure("a new password is noticed and tried", f"{watch.seconds:.1f} s")
    harbour.expect("Stalled", "True", "DatabaseWrongLocale")
    there = harbour.children()
    assert ("StatefulSet", "harbour-homeserver") not in there
    assert ("Secret", "harbour-database-login") not in there


def test_it_heals_when_the_locale_is_right(harbour, records):
    records.run("DROP DATABASE synapse;")
    records.run("CREATE DATABASE synapse OWNER synapse TEMPLATE template0 ENCODING 'UTF8' "
                "LC_COLLATE 'C' LC_CTYPE 'C';")
    watch = Stopwatch()
    harbour.wait_for("DatabaseReady", "True", limit=UNTIL_HEALED)
    figure("healed after", f"{watch.seconds:.1f} s")
    harbour.wait_ready()


def test_people_log_in_and_all_is_in_that_database_over_tls(harbour, records):
    person = matrix.administrator_of(harbour)
    assert person.create_room(preset="private_chat")
    told = records.run("SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity "
                       "USING (pid) WHERE usename = 'synapse'").strip().split("|")
    assert int(told[0]) > 0 and told[1] == "t", told
    kinds = {(kind, name) for kind, name in harbour.children()}
    assert not kinds & {("StatefulSet", "harbour-database"), ("Service", "harbour-database"),
                        ("PersistentVolumeClaim", "harbour-database-data")}


def test_the_companys_new_password_is_taken_without_a_restart(harbour, records):
    before = uids(harbour)
    another = secrets.token_urlsafe(24)
    records.set_password(another)
    bring(harbour, another)

    def handed_on():
        assert another in harbour.secret("database-login")["pg_service.conf"].decode()
    wait_until("the homeserver's login follows", handed_on, UNTIL_HEALED)
    harbour.wait_ready()
    assert uids(harbour) == before


def test_the_mode_cannot_be_changed(harbour):
    said = k.refusal("patch", "chs", harbour.name, "-n", harbour.namespace, "--type=merge", "-p",
                     '{"spec": {"database": {"mode": "builtin", "external": null}}}')
    assert "database.mode cannot be changed" in said


def test_the_password_is_new_and_nobody_noticed(lantern, memory):
    def rotated():
        told = lantern.status().get("database", {})
        assert told.get("passwordRotation") == REQUEST, told
    wait_until("the new password is in use and the former one shut out", rotated, UNTIL_ROTATED)
    figure("a new password, from request to the end of the former one",
           f"{memory['watch'].seconds:.0f} s")
    assert lantern.status()["database"]["login"] == "synapse_a"
    memory["rush"].end()
    answers = memory["rush"].answers
    figure("requests meanwhile, by answer", dict(answers))
    assert set(answers) == {200} and answers[200] > 200, answers
    assert uids(lantern) == memory["pods"]
    assert lantern.expect("Ready", "True")["lastTransitionTime"] == memory["since"]


def test_the_former_password_is_refused(lantern, memory):
    pod = "lantern-database-0"

    def refused():
        said = log_in(lantern.namespace, pod, "synapse", memory["before"])
        assert "authentication failed" in said or "not permitted" in said, "it is taken"
    wait_until("the former password is refused", refused, 60)
    login = lantern.secret("database-login")
    assert "synapse" not in login
    # Whoever logs in acts as the owner of all tables.
    assert log_in(lantern.namespace, pod, "synapse_a", login["synapse_a"].decode()) == "synapse"
    sessions = psql(lantern.namespace, pod, "SELECT usename, count(*) FROM pg_stat_activity "
                    "WHERE usename LIKE 'synapse%' GROUP BY 1")
    figure("sessions by who logged in", sessions.split())
    owners = psql(lantern.namespace, pod, "\\c synapse\nSELECT DISTINCT tableowner FROM pg_tables "
                  "WHERE schemaname = 'public'")
    assert owners.split()[-1] == "synapse" and "synapse_a" not in owners.split(), owners


def test_the_homeserver_starts_with_the_new_one(lantern):
    k.delete("pod", "lantern-homeserver-0", lantern.namespace, wait=True)
    lantern.wait_ready()
    assert matrix.administrator_of(lantern).sync(timeout=0)


def test_no_password_is_outside_its_secret(lantern, harbour, records):
    hidden = [value.decode() for key, value in lantern.secret("database-login").items()
              if key.startswith("synapse")] + [records.right]
    for company in (lantern, harbour):
        everything = str([item for (kind, _), item in company.children().items()
                          if kind != "Secret"]) + str(company.resource()) + str(company.pods())
        assert not [one for one in hidden if one in everything]
