"""A real Prometheus sees how every company is, and its alerts tell of trouble."""

import json
import re

import pytest

from support import kubectl as k
from support import matrix, operator
from support.prometheus import FILES, Prometheus
from support.waiting import wait_until

UNTIL_SEEN = 60
# What is no metric in an expression.
_WORDS = {"sum", "max", "min", "count", "rate", "by", "le", "and", "on", "absent", "time", "sort",
          "bottomk", "histogram_quantile", "namespace", "name", "version", "reason", "result",
          "method", "code"}


@pytest.fixture(scope="module")
def company(offices):
    company = offices.company("watched")
    company.found()
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def prometheus(company):
    homeservers = [pod for pod in company.pods() if k.name_of(pod).endswith("-homeserver-0")]
    prometheus = Prometheus(operator.pods(), homeservers)
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
    for line in re.split(r"\n\s+for:", (FILES / "rules.yaml").read_text()):
        yield line.split("expr:")[-1].removeprefix(" >-").strip() if "expr:" in line else "up"


def metrics_asked_for():
    asked = set()
    for expression in expressions():
        bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", "", expression)
        asked |= set(re.findall(r"[a-z_][a-z0-9_]{2,}", bare)) - _WORDS
    return asked


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
    assert len(asked) > 15, f"only {sorted(asked)} were understood"

    def all_there():
        # Is there only while a company is not ready.
        missing = asked - prometheus.names() - {"alphorn_tenant_not_ready_reason"}
        assert not missing, f"nobody tells {sorted(missing)}"
    wait_until("every metric is told", all_there, UNTIL_SEEN)


def test_while_all_is_well_nothing_is_told_of_the_company(company, prometheus):
    told = {name for name, namespace in prometheus.alerts() if namespace == company.namespace}
    assert not told, f"alerts about a company that serves: {told}"
    assert ("AlphornNobodyLeads", None) not in prometheus.alerts()


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
