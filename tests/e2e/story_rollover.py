"""One certificate authority follows another: nobody who asks whom to trust is ever let down."""

import secrets
import socket
import ssl
import threading

import pytest
import requests

from support import kubectl as k
from support import matrix, operator
from support.waiting import Stopwatch, figure, wait_until

pytestmark = pytest.mark.usefixtures("alone")

NODE = "10.250.0.1/32"
PORTS = {"east": 30031, "west": 30032, "calm": 30033}
AUTHORITY = "alphorn-ca"
OVERLAP = 40
UNTIL_TOLD = 30
UNTIL_DONE = 180
VERSIONS = "/_matrix/client/versions"
PHASE = "alphorn.dev/rollover-phase"


def server_name(company):
    return f"{company.name}.{company.namespace}.example:{PORTS[company.name]}"


@pytest.fixture(scope="module")
def companies(offices):
    """east and west federate; calm does not, so its server has no reason to restart."""
    all_of_them = {name: offices.company(name) for name in PORTS}
    peers = {"east": "west", "west": "east"}
    for name, company in all_of_them.items():
        federation = {"mode": "closed"}
        if name in peers:
            federation = {"mode": "allowlist", "allow": [server_name(all_of_them[peers[name]])],
                          "privateNetworks": [NODE]}
        company.found(serverName=server_name(company), federation=federation,
                      exposure={"mode": "nodePort", "nodePort": PORTS[name]})
    for company in all_of_them.values():
        company.wait_ready()
    k.status()  # makes the host names known here
    return all_of_them


def authority():
    found = k.get("secret", AUTHORITY, k.SYSTEM)
    assert found, f"Secret {AUTHORITY} does not exist"
    return found


def phase():
    return authority()["metadata"].get("annotations", {}).get(PHASE, "")


def wait_for_phase(wanted):
    def reached():
        now = phase()
        assert now == wanted, f"the phase of the rollover is {now!r}, not {wanted!r}"
    wait_until(f"the rollover is {wanted or 'over'}", reached, UNTIL_DONE, every=0.5)


def told(reason):
    def event():
        events = [entry["reason"] for entry in k.listed("events", k.SYSTEM)
                  if entry["involvedObject"]["name"] == AUTHORITY]
        assert reason in events, f"{reason} is not among {events}"
    wait_until(f"an event tells of {reason}", event, UNTIL_TOLD)


def bundle(company):
    return k.get("configmap", f"{company.name}-ca", company.namespace)["data"]["ca.crt"]


def handshake(company, trusted):
    """The serial of the certificate that is shown; ssl.SSLError when it is not trusted."""
    host = f"matrix.{company.name}.{company.namespace}.example"
    context = ssl.create_default_context(cadata=trusted)
    with socket.create_connection((host, PORTS[company.name]), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname=host) as wrapped:
            return wrapped.getpeercert()["serialNumber"]


class Follower(threading.Thread):
    """A client that asks before each request whom to trust, and trusts nobody else."""

    def __init__(self, company, folder, strict):
        super().__init__(daemon=True)
        self._company, self._file, self._strict = company, folder / f"{company.name}.crt", strict
        self._over = threading.Event()
        self.asked, self.failures = 0, []

    def run(self):
        address = self._company.status()["address"]
        while not self._over.wait(0.1):
            self._file.write_text(bundle(self._company))
            self.asked += 1
            try:
                answer = matrix.Client(address, str(self._file)).send("GET", VERSIONS)
                # The server of one that federates restarts when it is told of an authority.
                if self._strict and not answer.ok:
                    self.failures.append(str(answer.status_code))
            except requests.exceptions.SSLError as error:
                self.failures.append(str(error))
            except OSError as error:
                if self._strict:
                    self.failures.append(str(error))

    def end(self):
        self._over.set()
        self.join()


@pytest.fixture(scope="module")
def followers(companies, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trusted")
    all_of_them = [Follower(company, folder, strict=name == "calm")
                   for name, company in companies.items()]
    for follower in all_of_them:
        follower.start()
    yield all_of_them
    for follower in all_of_them:
        follower.end()


@pytest.fixture(scope="module")
def before(companies):
    """What people knew at the beginning."""
    return {"authority": authority()["data"]["tls.crt"], "watch": Stopwatch(),
            "bundles": {name: bundle(company) for name, company in companies.items()},
            "people": {name: matrix.administrator_of(companies[name]) for name in ("east", "west")},
            "serials": {name: handshake(company, bundle(company))
                        for name, company in companies.items()}}


def assert_peers_talk(companies, people):
    """An alias is asked for at once, whatever happened before, and over TLS that must hold: the
    other server knows no such alias, and 502 would mean that it was not reached."""
    k.status()  # writes anew whom the people's clients trust
    for asker, other in (("east", "west"), ("west", "east")):
        def answered(asker=asker, other=other):
            alias = f"%23{secrets.token_hex(4)}:{server_name(companies[other])}"
            answer = people[asker].send("GET", f"/_matrix/client/v3/directory/room/{alias}")
            assert answer.status_code == 404, f"{answer.status_code} {answer.text[:200]}"
        wait_until(f"{asker} reaches {other}", answered, UNTIL_TOLD)


def test_a_secret_that_goes_is_written_back_as_it_was(companies):
    before = authority()
    refused = k.refusal("delete", "secret", AUTHORITY, "-n", k.SYSTEM)
    assert "allow-delete" in refused
    k.kubectl("annotate", "secret", AUTHORITY, "-n", k.SYSTEM, "alphorn.dev/allow-delete=true")
    k.delete("secret", AUTHORITY, k.SYSTEM, wait=True)
    after = wait_until("the Secret is back", authority, UNTIL_TOLD, every=0.2)
    assert after["data"] == before["data"], "another authority was drawn"
    assert k.uid_of(after) != k.uid_of(before)
    told("AuthorityRestored")


def test_what_is_no_authority_is_said_and_changes_nothing(companies):
    good = authority()["data"]["tls.crt"]
    k.patch("secret", AUTHORITY, k.SYSTEM, {"data": {"tls.crt": "bm9uZQ=="}})
    company = companies["calm"]
    company.wait_for("CertificatesReady", "True", "AuthorityUnreadable", limit=UNTIL_TOLD)
    assert authority()["data"]["tls.crt"] == "bm9uZQ==", "it was overwritten"
    k.patch("secret", AUTHORITY, k.SYSTEM, {"data": {"tls.crt": good}})
    company.wait_for("CertificatesReady", "True", "Ready", limit=UNTIL_TOLD)


def test_a_request_that_is_no_time_is_refused(before):
    k.kubectl("annotate", "secret", AUTHORITY, "-n", k.SYSTEM, "alphorn.dev/rollover=soon")
    told("RolloverRefused")
    assert phase() == ""


def test_both_are_published_before_the_new_one_signs(companies, before, followers):
    k.kubectl("annotate", "secret", AUTHORITY, "-n", k.SYSTEM, "--overwrite",
              f"alphorn.dev/rollover={OVERLAP}s")
    wait_for_phase("announced")
    annotations = authority()["metadata"]["annotations"]
    assert "alphorn.dev/rollover" not in annotations, "the request would be granted twice"

    def published(company):
        now = bundle(company)
        assert now.startswith(before["bundles"][company.name]), "the present one is gone"
        assert now.count("BEGIN") == 2, "the new one is not published"
    for company in companies.values():
        wait_until(f"{company.name} publishes both", lambda c=company: published(c), OVERLAP)
    assert authority()["data"]["tls.crt"] == before["authority"]


def test_a_leader_that_dies_meanwhile_changes_nothing(before):
    operator.kill_leader()


def test_who_has_only_the_old_one_is_served_until_the_overlap_ends(companies, before):
    while phase() == "announced":
        try:
            for name, company in companies.items():
                assert handshake(company, before["bundles"][name]) == before["serials"][name]
        except (AssertionError, ssl.SSLError):
            # Unless the overlap has ended between the question and the handshake.
            if phase() == "announced":
                raise
    figure("from the request to the new authority", f"{before['watch'].seconds:.0f} s")
    assert phase() == "switched"
    secret = authority()["data"]
    assert secret["former.crt"] == before["authority"] and "next.key" not in secret


def test_certificates_are_issued_anew_and_peers_still_talk(companies, before):
    def renewed(company):
        serial = handshake(company, bundle(company))
        assert serial != before["serials"][company.name], "the old certificate is shown"
    for company in companies.values():
        wait_until(f"{company.name} shows another certificate", lambda c=company: renewed(c),
                   UNTIL_DONE)
        company.wait_ready()
    assert_peers_talk(companies, before["people"])


def only_one(company):
    count = bundle(company).count("BEGIN")
    assert count == 1, f"{count} authorities are published"


def test_then_the_old_one_is_dropped(companies, before):
    wait_for_phase("")
    figure("a whole rollover", f"{before['watch'].seconds:.0f} s")
    for name, company in companies.items():
        # Companies are told of it one after the other.
        wait_until(f"{name} publishes one authority", lambda c=company: only_one(c), UNTIL_TOLD)
        assert bundle(company) != before["bundles"][name]
        with pytest.raises(ssl.SSLError):
            handshake(company, before["bundles"][name])
        company.wait_ready()
    assert "former.crt" not in authority()["data"]
    assert_peers_talk(companies, before["people"])
    told("RolloverFinished")


def test_nobody_who_asked_whom_to_trust_was_let_down(followers):
    for follower in followers:
        follower.end()
    figure("requests meanwhile", ", ".join(str(follower.asked) for follower in followers))
    failures = [failure for follower in followers for failure in follower.failures]
    assert not failures, f"{len(failures)} failed: {failures[:5]}"
