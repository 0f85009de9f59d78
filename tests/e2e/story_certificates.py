"""A company brings its own certificate: what is wrong with one is said, and a new one is served."""

import base64
import socket
import ssl
import subprocess

import pytest

from support import kubectl as k
from support import matrix
from support.caller import Caller
from support.waiting import Stopwatch, figure, wait_until

UNTIL_TOLD = 30
UNTIL_SERVED = 60
NAME = "brought"
VERSIONS = "/_matrix/client/versions"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """One of which the operator knows nothing."""

    def __init__(self, folder):
        self._folder = folder
        self.file = folder / "authority.crt"
        self._key = folder / "authority.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "30", "-subj", "/CN=An authority", "-keyout", self._key,
                "-out", self.file)

    def issue(self, name, hosts, start=None, end=None):
        """(certificate, key) for the hosts: for a month, unless dates like 20260101000000Z say
        otherwise."""
        folder = self._folder
        key, request, leaf = (folder / f"{name}.{suffix}" for suffix in ("key", "csr", "crt"))
        names = ",".join(f"DNS:{host}" for host in hosts)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", "/CN=" + name, "-addext", f"subjectAltName={names}",
                "-keyout", key, "-out", request)
        # "openssl ca" is the one command that sets both dates.
        (folder / "index.txt").write_text("")
        (folder / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=one\n[one]\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\n"
            f"rand_serial=yes\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy\n"
            f"certificate={self.file}\nprivate_key={self._key}\n[any]\ncommonName=supplied\n")
        dates = ["-startdate", start, "-enddate", end] if end else ["-days", "30"]
        openssl("ca", "-batch", "-notext", "-config", folder / "ca.cnf", "-in", request,
                "-out", leaf, *dates)
        return leaf.read_bytes(), key.read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("branded")


@pytest.fixture(scope="module")
def hosts(company):
    domain = f"{company.name}.{company.namespace}.example"
    return [f"matrix.{domain}", domain, f"chat.{domain}"]


def bring(company, certificate, key, labels=None):
    encoded = {name: base64.b64encode(value).decode()
               for name, value in (("tls.crt", certificate), ("tls.key", key))}
    labels = {k.TENANT_LABEL: company.name} if labels is None else labels
    if k.get("secret", NAME, company.namespace):
        k.patch("secret", NAME, company.namespace, {"data": encoded})
        return
    k.create({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": encoded,
              "metadata": {"name": NAME, "namespace": company.namespace, "labels": labels}})


def told(company, reason, *words):
    said = company.wait_for("CertificatesReady", "False", reason, limit=UNTIL_TOLD)
    for word in words:
        assert word in said["message"], f"{word!r} is not in: {said['message']}"


def place(company):
    """(host, port) of what people type."""
    host, port = company.status()["address"].removeprefix("https://").split(":")
    return host, int(port)


def serial_served(company, authority):
    host, port = place(company)
    context = ssl.create_default_context(cafile=str(authority.file))
    with socket.create_connection((host, port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname=host) as wrapped:
            return wrapped.getpeercert()["serialNumber"]


def test_without_its_secret_it_waits_and_says_for_what(company):
    company.found(tls={"mode": "secret", "secretName": NAME})
    told(company, "CertificateSecretMissing", NAME, f"{k.TENANT_LABEL}={company.name}")


def test_a_secret_without_the_label_is_not_seen(company, authority, hosts):
    bring(company, *authority.issue("first", hosts), labels={})
    told(company, "CertificateSecretMissing", "kubectl label secret")
    k.kubectl("label", "secret", NAME, "-n", company.namespace,
              f"{k.TENANT_LABEL}={company.name}")
    company.wait_for("CertificatesReady", "True", limit=UNTIL_TOLD)


def test_people_see_the_companys_own_certificate(company, authority):
    company.wait_ready()
    k.status()  # makes the host names known here
    wait_until("the certificate is served", lambda: served(company, authority), UNTIL_SERVED)
    status = company.status()
    assert "certificateAuthority" not in status, "the operator's authority signed nothing here"
    assert status["certificate"]["serial"] == serial_served(company, authority)
    names = {name for kind, name in company.children() if kind in ("ConfigMap", "Secret")}
    assert f"{company.name}-ca" not in names and f"{company.name}-gateway-tls" not in names


def served(company, authority):
    try:
        return serial_served(company, authority)
    except OSError as error:
        raise AssertionError(f"no handshake: {error}") from None


@pytest.mark.parametrize("fault", ["host", "key", "text", "expired"])
def test_what_is_wrong_is_named_and_the_old_one_stays(company, authority, hosts, fault):
    before = serial_served(company, authority)
    certificate, key = authority.issue("good", hosts)
    if fault == "host":
        certificate, key = authority.issue("narrow", hosts[:1])
        expected = ("CertificateForOtherHosts", hosts[1])
    elif fault == "key":
        _, key = authority.issue("other", hosts)
        expected = ("CertificateKeyMismatch", "tls.key")
    elif fault == "text":
        certificate = b"a certificate, honestly"
        expected = ("CertificateUnreadable", "tls.crt")
    else:
        certificate, key = authority.issue("old", hosts, "20250101000000Z", "20250201000000Z")
        expected = ("CertificateExpired", "2025-02-01T00:00:00Z")
    bring(company, certificate, key)
    told(company, expected[0], expected[1], NAME)
    assert serial_served(company, authority) == before


def test_one_that_ends_soon_is_said_and_served(company, authority, hosts):
    bring(company, *authority.issue("short", hosts, "20250101000000Z", _in_a_week()))
    company.wait_for("CertificatesReady", "True", "CertificateExpiresSoon", limit=UNTIL_TOLD)
    company.wait_ready()


def _in_a_week():
    done = subprocess.run(["date", "-u", "-d", "+7 days", "+%Y%m%d%H%M%SZ"], check=True,
                          capture_output=True, text=True)
    return done.stdout.strip()


def test_a_new_one_takes_over_without_a_failed_request(company, authority, hosts):
    before = serial_served(company, authority)
    with Caller(company.status()["address"], str(authority.file)) as caller:
        watch = Stopwatch()
        bring(company, *authority.issue("second", hosts))
        wait_until("the new certificate is served",
                   lambda: assert_other(serial_served(company, authority), before), UNTIL_SERVED)
        figure("from a new certificate in the Secret to its first handshake",
               f"{watch.seconds:.0f} s")
        company.wait_ready()
    figure("requests meanwhile", f"{caller.asked}, {len(caller.failures)} failed")
    assert not caller.failures, f"of {caller.asked} requests failed: {caller.failures[:5]}"
    company.expect("CertificatesReady", "True", "Ready")


def assert_other(serial, before):
    assert serial != before, "the old certificate is still served"


def test_back_to_the_operators_own(company):
    company.change(tls={"mode": "operatorCA", "secretName": None})
    company.wait_ready()
    contact = company.contact()

    def trusted():
        try:
            answer = matrix.Client(contact["address"], contact["caFile"]).send("GET", VERSIONS)
        except OSError as error:
            raise AssertionError(f"not by the operator's authority: {error}") from None
        assert answer.ok
    wait_until("the operator's certificate is served", trusted, UNTIL_SERVED)
    assert k.get("secret", NAME, company.namespace), "the company's Secret was removed"
