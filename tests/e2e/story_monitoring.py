"""A real Prometheus sees how every company and each of its programs is; its alerts tell of trouble."""

import json
import re
import subprocess

import pytest
import yaml

from support import doors, matrix, processes
from support import kubectl as k
from support.prometheus import FILES, Prometheus, monitoring
from support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("alone")

UNTIL_SEEN = 60
# What is no metric in an expression.
_WORDS = {"sum", "max", "min", "count", "rate", "and", "or", "absent", "time", "sort", "topk",
          "bottomk", "histogram_quantile"}
# Told by the kubelet, of storage that has a size of its own: the playground's volumes are folders.
_OF_THE_KUBELET = {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}


@pytest.fixture(scope="module", autouse=True)
def reader(offices):
    """The namespace that the chart takes for Prometheus'."""
    namespace = offices.namespace("-reader")
    with monitoring(namespace):
        yield namespace


@pytest.fixture(scope="module")
def company(reader, offices):
    company = offices.company("watched")
    # By a schedule that never comes: the thirtieth of February.
    company.found(backup={"schedule": "0 0 30 2 *", "drill": {"schedule": "0 0 30 2 *"},
                          "repository": {"volume": {"claimName": "elsewhere"}}})
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def prometheus(company):
    prometheus = Prometheus()
    yield prometheus
    prometheus.close()


def of(company):
    return f'{{namespace="{company.namespace}",name="{company.name}"}}'


def value(prometheus, expression):
    found = prometheus.query(expression)
    assert len(found) == 1, f"{expression} gives {found}"
    return found[0][1]


def expressions():
    """Everything that the chart's alerts and dashboards ask."""
    for path in FILES.glob("dashboards/*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            yield from (target["expr"] for target in panel["targets"])
    for group in yaml.safe_load((FILES / "rules.yaml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def metrics_asked_for():
    asked = set()
    for expression in expressions():
        bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"|\b(by|on)\s*\([^)]*\)", "", expression)
        asked |= set(re.findall(r"[a-z_][a-z0-9_]+", bare)) - _WORDS
    return asked - _OF_THE_KUBELET


def test_a_company_that_serves_is_seen_so(company, prometheus):
    def seen():
        for metric, expected in (("ready", 1), ("stalled", 0), ("resting", 0), ("up_to_date", 1)):
            found = value(prometheus, f"max(alphorn_tenant_{metric}{of(company)})")
            assert found == expected, f"alphorn_tenant_{metric} is {found}"
    wait_until("Prometheus sees the company", seen, UNTIL_SEEN)
    left = value(prometheus, "max(alphorn_tenant_certificate_expiry_timestamp_seconds"
                 f"{of(company)}) - time()")
    assert 80 * 86400 < left < 91 * 86400, f"the certificate ends in {left / 86400:.0f} days"
    (labels, _), = prometheus.query(f"max by (server_name, version) (alphorn_tenant_info{of(company)})")
    assert labels["version"] == company.status()["version"]
    assert labels["server_name"].startswith(company.name)


def test_every_metric_that_is_asked_for_exists(company, prometheus):
    person = matrix.administrator_of(company)
    room = person.create_room(name="Measured")
    person.send_event(room, "m.room.message", "one", {"msgtype": "m.text", "body": "counted"})
    asked = metrics_asked_for()
    assert len(asked) > 25, f"only {sorted(asked)} were understood"

    def all_there():
        # Is there only while a company is not ready.
        missing = asked - prometheus.names() - {"alphorn_tenant_not_ready_reason"}
        assert not missing, f"nobody tells {sorted(missing)}"
    wait_until("every metric is told", all_there, UNTIL_SEEN)


def test_the_database_and_the_gateway_tell_how_they_are(company, prometheus):
    def told():
        for expression, right in (
                (f"pg_up{of(company)}", lambda up: up == 1),
                (f"nginx_up{of(company)}", lambda up: up == 1),
                (f"pg_settings_max_connections{of(company)}", lambda most: most >= 100),
                (f"sum(pg_stat_activity_count{of(company)})", lambda open_ones: open_ones >= 2),
                (f"nginx_http_requests_total{of(company)}", lambda requests: requests > 0)):
            found = value(prometheus, expression)
            assert right(found), f"{expression} is {found}"
        sizes = {labels["datname"]: size for labels, size in
                 prometheus.query(f"pg_database_size_bytes{of(company)}")}
        assert sizes["synapse"] > 5e6, sizes
    wait_until("both are told of", told, UNTIL_SEEN)


def test_its_namespace_reads_metrics_and_no_other_does(company, reader, offices):
    pods = {component: next(pod for pod in company.pods() if f"-{component}-" in k.name_of(pod))
            for component in ("database", "homeserver", "gateway")}
    told = {(doors.address_of(pods[component]), port)
            for component, port in (("database", 9187), ("homeserver", 9000), ("gateway", 9113))}
    everything = {(doors.address_of(pod), port) for pod in pods.values() for port in doors.declared(pod)}
    front = {(doors.address_of(pods["gateway"]), 8443)}
    for namespace, expected in ((reader, told | front), (offices.namespace("-other"), front)):
        stranger = doors.idle_pod("stranger", namespace, {}, pods["homeserver"])

        def reaches():
            found = doors.open_from(stranger, everything)
            assert found == expected, f"{namespace} reaches {found} and not {expected}"
        wait_until(f"a pod of {namespace} reaches what it may", reaches, UNTIL_SEEN)


def psql(company, user, statement, *options):
    """What who counts could ask, from beside the server."""
    return k.kubectl("exec", f"{company.name}-database-0", "-n", company.namespace, "-c", "roles", "--",
                     "psql", "-X", "-A", "-t", "--host=/run/postgresql", f"--username={user}",
                     *options, "-c", statement)


def test_who_counts_sees_figures_and_no_row(company, prometheus):
    counted = psql(company, "alphorn_metrics", "SELECT sum(numbackends) > 0 FROM pg_stat_database",
                   "--dbname=postgres")
    assert counted.strip() == "t"
    with pytest.raises(k.CommandFailed, match="no pg_hba.conf entry|permission denied"):
        psql(company, "alphorn_metrics", "SELECT count(*) FROM users", "--dbname=synapse")
    with pytest.raises(k.CommandFailed, match="permission denied"):
        psql(company, "alphorn_metrics", "SELECT pg_read_file('/etc/passwd')", "--dbname=postgres")
    with pytest.raises(k.CommandFailed, match="read-only|permission denied"):
        psql(company, "alphorn_metrics", "CREATE TABLE t ()", "--dbname=postgres")
    (told,) = psql(company, "postgres", "SELECT rolsuper OR rolcreaterole OR rolcreatedb "
                   "FROM pg_roles WHERE rolname = 'alphorn_metrics'").split()
    assert told == "f"


def test_who_counts_cannot_say_that_it_is_somebody_else(company):
    """Its program runs as a user that the server does not take for its own."""
    pod = k.get("pod", f"{company.name}-database-0", company.namespace)
    running = {name: processes.program_of(container)
               for name, container in processes.containers_of(pod)}
    user, = {process.status()["Uid"].split()[0] for name, process in running.items()
             if name == "metrics"}
    assert user == "10001"
    for name, admitted in (("alphorn_metrics", True), ("postgres", False)):
        done = subprocess.run(
            ["nsenter", f"--target={running['roles'].pid}", "--mount", f"--setuid={user}", f"--setgid={user}",
             "env", "PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin", "psql", "-X", "-A", "-t",
             "--host=/run/postgresql", f"--username={name}", "--dbname=postgres", "-c", "SELECT 1"],
            capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode == 0) == admitted, done.stderr
        assert admitted or "Peer authentication failed" in done.stderr, done.stderr


def test_while_all_is_well_nothing_is_told_of_the_company(company, prometheus):
    def quiet():
        # One that would have to last may come and go, when a scrape was late.
        told = {name for name, namespace in prometheus.alerts() if namespace == company.namespace}
        assert not told, f"alerts about a company that serves: {told}"
        leaderless = {told for told in prometheus.alerts() if told[0] == "AlphornNobodyLeads"}
        assert not leaderless, leaderless
    wait_until("nothing is told", quiet, UNTIL_SEEN)


def test_trouble_is_told(company, prometheus):
    company.change(tls={"mode": "secret", "secretName": "not-there"})

    def told():
        names = {name for name, namespace in prometheus.alerts() if namespace == company.namespace}
        assert {"AlphornTenantNotReady", "AlphornTenantStalled"} <= names, f"only {names}"
    wait_until("alerts begin", told, UNTIL_SEEN)
    reasons = [labels["reason"] for labels, _ in
               prometheus.query(f"alphorn_tenant_not_ready_reason{of(company)}")]
    assert "CertificatesNotReady" in reasons, f"reasons: {reasons}"


def test_and_ends_when_it_is_mended(company, prometheus):
    company.change(tls={"mode": "operatorCA", "secretName": None})
    company.wait_ready()

    def quiet():
        told = {name for name, namespace in prometheus.alerts() if namespace == company.namespace}
        assert not told, f"still told: {told}"
    wait_until("alerts end", quiet, UNTIL_SEEN)


def test_a_company_that_is_gone_leaves_no_series(company, prometheus):
    company.dissolve()

    def gone():
        assert not prometheus.query(f"alphorn_tenant_ready{of(company)}")
    wait_until("its series are gone", gone, 2 * UNTIL_SEEN)
