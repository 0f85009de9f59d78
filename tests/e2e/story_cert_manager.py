"""cert-manager has a company's certificate signed and renewed; what it lacks is said."""

import datetime
import json
import socket
import ssl

import pytest

from support import kubectl as k
from support import matrix
from support.caller import Caller
from support.waiting import Stopwatch, figure, wait_until

UNTIL_TOLD = 45
UNTIL_SERVED = 90
UNTIL_UP = 1200
GROUP = "cert-manager.io"


@pytest.fixture(scope="module", autouse=True)
def cert_manager():
    """As ./dev up offers it; it stays until ./dev down. Where it runs already nothing is started
    anew: a cluster may be somebody else's too."""
    if not k.get("deployment", "cert-manager", "cert-manager"):
        watch = Stopwatch()
        k.dev("up", "--no-tenant", "--with", "cert-manager", timeout=UNTIL_UP)
        figure("./dev up --with cert-manager", f"{watch.seconds:.0f} s")


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("signed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("authorities")


def make(kind, name, company, spec):
    k.create({"apiVersion": f"{GROUP}/v1", "kind": kind, "spec": spec,
              "metadata": {"name": name, "namespace": company.namespace}})


def wanted(company, name="own"):
    company.change(tls={"mode": "certManager", "issuerRef": {"name": name}})


def certificate(company):
    return k.get(f"certificates.{GROUP}", f"{company.name}-gateway-issued", company.namespace)


def authority_file(company, folder):
    file = folder / "ca.crt"
    file.write_bytes(company.secret("gateway-issued")["ca.crt"])
    return str(file)


def serial_served(company, ca_file):
    host, port = company.status()["address"].removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=ca_file)
    try:
        with socket.create_connection((host, int(port)), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname=host) as wrapped:
                return wrapped.getpeercert()["serialNumber"]
    except OSError as error:
        raise AssertionError(f"no handshake: {error}") from None


def renew(company):
    """What `cmctl renew` does."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = certificate(company)
    conditions = [entry for entry in found["status"]["conditions"] if entry["type"] != "Issuing"]
    conditions.append({"type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
                       "message": "asked for", "lastTransitionTime": now})
    k.kubectl("patch", f"certificates.{GROUP}", k.name_of(found), "-n", company.namespace,
              "--subresource=status", "--type=merge", "-p",
              json.dumps({"status": {"conditions": conditions}}))


def test_an_issuer_that_is_missing_is_named(company):
    company.found(tls={"mode": "certManager", "issuerRef": {"name": "own"}})
    company.wait_for("CertificatesReady", "False", "IssuerMissing", "Issuer own", UNTIL_TOLD)


def test_an_issuer_that_is_not_ready_is_named(company):
    make("Issuer", "own", company, {"ca": {"secretName": "authority"}})
    company.wait_for("CertificatesReady", "False", "IssuerNotReady", "Issuer own", UNTIL_TOLD)


def test_once_the_issuer_is_ready_the_company_gets_its_certificate(company, folder):
    watch = Stopwatch()
    make("Issuer", "itself", company, {"selfSigned": {}})
    make("Certificate", "authority", company,
         {"isCA": True, "commonName": "The company's own", "secretName": "authority",
          "privateKey": {"algorithm": "ECDSA", "size": 256}, "issuerRef": {"name": "itself"}})
    company.wait_for("CertificatesReady", "True", limit=UNTIL_SERVED)
    figure("from a ready issuer to the certificate", f"{watch.seconds:.0f} s")
    company.wait_ready()
    k.status()  # makes the host names known here
    assert serial_served(company, authority_file(company, folder))
    assert "certificateAuthority" not in company.status(), "the operator's signed nothing here"
    names = {name for _, name in company.children()}
    assert f"{company.name}-ca" not in names and f"{company.name}-gateway-tls" not in names


def test_a_renewed_one_takes_over_without_a_failed_request(company, folder):
    ca_file = authority_file(company, folder)
    before = serial_served(company, ca_file)

    def is_another():
        assert serial_served(company, ca_file) != before, "the old certificate is still served"
    with Caller(company.status()["address"], ca_file) as caller:
        watch = Stopwatch()
        renew(company)
        wait_until("the renewed certificate is served", is_another, UNTIL_SERVED)
        figure("from the renewal to the first handshake", f"{watch.seconds:.0f} s")
        company.wait_ready()

        def is_alone():
            gateways = [k.name_of(pod) for pod in company.pods() if "-gateway-" in k.name_of(pod)]
            assert len(gateways) == 1, f"the former one is still about: {gateways}"
        wait_until("only the new gateway is there", is_alone, UNTIL_SERVED)
    figure("requests meanwhile", f"{caller.asked}, {len(caller.failures)} failed")
    assert not caller.failures, f"of {caller.asked} requests failed: {caller.failures[:5]}"


def test_another_issuer_that_is_missing_leaves_the_old_certificate(company, folder):
    ca_file = authority_file(company, folder)
    before = serial_served(company, ca_file)
    wanted(company, "nobody")
    company.wait_for("CertificatesReady", "False", "IssuerMissing", "Issuer nobody", UNTIL_TOLD)
    assert serial_served(company, ca_file) == before
    wanted(company)
    company.wait_ready()


def test_back_to_the_operators_own(company):
    company.change(tls={"mode": "operatorCA", "issuerRef": None})
    company.wait_ready()

    def is_own():
        contact = company.contact()
        try:
            answer = matrix.Client(contact["address"], contact["caFile"]).send(
                "GET", "/_matrix/client/versions")
        except OSError as error:
            raise AssertionError(f"not by the operator's authority: {error}") from None
        assert answer.ok
    wait_until("the operator's certificate is served", is_own, UNTIL_SERVED)

    def is_gone():
        assert certificate(company) is None, "the Certificate is left"
    wait_until("the Certificate is gone", is_gone, UNTIL_TOLD)
