"""A second ./dev up changes nothing, and ./dev status tells people and programs what there is."""

import pathlib

from support import kubectl as k
from support import operator
from support.waiting import Stopwatch, figure

# It takes a quarter of a minute; whatever had to be built or started would take far longer.
QUICK = 240


def running():
    """What would differ if anything had been started again."""
    pods = operator.pods() + k.listed("pods", "acme")
    return {k.name_of(pod): (k.uid_of(pod), [entry["restartCount"] for entry in
                                           pod["status"].get("containerStatuses", [])])
            for pod in pods}


def generations(company):
    return {identity: item["metadata"].get("generation")
            for identity, item in company.children().items()}


def test_a_second_up_is_quick_and_touches_nothing(acme):
    acme.wait_ready()
    operator.wait_until_whole()
    before, as_asked = running(), generations(acme)
    watch = Stopwatch()
    said = k.dev("up", timeout=600)
    seconds = watch.seconds
    figure("./dev up a second time", f"{seconds:.1f} s")
    assert seconds < QUICK, f"took {seconds:.0f} s:\n{said}"
    assert running() == before, f"pods were started again:\n{said}"
    assert generations(acme) == as_asked, f"the company's objects were changed:\n{said}"
    contact = acme.contact()
    for word in (contact["webAddress"], contact["address"], contact["caFile"], contact["adminUser"]):
        assert word in said, f"./dev up does not print {word}:\n{said}"


def test_status_tells_programs():
    status = k.status()
    assert status["cluster"]["running"] is True
    assert status["cluster"]["built"] is True
    for key in ("kubeconfig", "auditLog"):
        assert pathlib.Path(status["cluster"][key]).is_file(), f"{key}: {status['cluster'][key]}"
    acme, = (tenant for tenant in status["tenants"] if tenant["name"] == "acme")
    assert acme["namespace"] == "acme" and acme["ready"] is True
    assert acme["address"].startswith("https://matrix.acme.example")
    assert acme["webAddress"].startswith("https://chat.acme.example")
    assert pathlib.Path(acme["caFile"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert acme["adminUser"] == "@admin:acme.example"
    assert "password" in k.get("secret", acme["adminSecret"], "acme")["data"]


def test_status_tells_people():
    text = k.dev("status")
    for word in ("acme", "https://chat.acme.example", "https://matrix.acme.example", "@admin:acme.example"):
        assert word in text, f"./dev status does not show {word}:\n{text}"


def test_no_password_is_printed(acme):
    password = acme.secret("administrator")["password"].decode()
    shown = password in k.dev("status") + k.dev("status", "--json")
    assert not shown, "./dev status prints the administrator's password"
