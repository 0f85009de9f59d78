"""Employees log in through their company's own identity provider, or with passwords that hold."""

import base64
import secrets

import pytest

from support import kubectl as k
from support import matrix
from support.provider import ADDRESS, CLIENT, ISSUER, Browser, Provider, login_token
from support.waiting import Stopwatch, figure, wait_until

NODE_PORT = 30051
SECRET = "login-provider"
LOGIN = "/_matrix/client/v3/login"
EMPLOYEES = 30
# More than any person mistypes in a row.
GUESSES = 60
TOO_MANY = 429
UNTIL_TOLD = 30
UNTIL_ROLLED = 120


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("badge")


@pytest.fixture(scope="module")
def client_secret():
    return secrets.token_hex(16)


@pytest.fixture(scope="module")
def provider(company, client_secret):
    host = f"matrix.{company.name}.{company.namespace}.example:{NODE_PORT}"
    provider = Provider(client_secret, f"https://{host}/_synapse/client/oidc/callback")
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def memory():
    return {}


def bring(company, secret):
    encoded = {"client-secret": base64.b64encode(secret.encode()).decode()}
    if k.get("secret", SECRET, company.namespace):
        k.patch("secret", SECRET, company.namespace, {"data": encoded})
        return
    k.create({"apiVersion": "v1", "kind": "Secret", "data": encoded,
              "metadata": {"name": SECRET, "namespace": company.namespace,
                           "labels": {k.TENANT_LABEL: company.name}}})


def anybody(company):
    contact = company.contact()
    return matrix.Client(contact["address"], contact["caFile"])


def flows(company):
    return {flow["type"]: flow for flow in anybody(company).call("GET", LOGIN)["flows"]}


def browser(company, provider):
    contact = company.contact()
    return Browser(contact["address"], contact["caFile"], provider.ca_file)


def log_in_through_provider(company, provider, user):
    token = login_token(browser(company, provider).log_in("acme", user))
    person = anybody(company)
    answer = person.call("POST", LOGIN, json={"type": "m.login.token", "token": token,
                                              "refresh_token": True})
    person.token, person.user = answer["access_token"], answer["user_id"]
    return person, answer


def test_a_missing_client_secret_is_named(company, provider):
    company.found(
        exposure={"mode": "nodePort", "nodePort": NODE_PORT},
        homeserver={"caBundle": provider.ca_file.read_text()},
        authentication={
            "password": {"minimumLength": 16, "require": ["digit"]},
            "oidc": [{"id": "acme", "displayName": "Acme login", "issuer": ISSUER,
                      "clientId": CLIENT, "clientSecret": {"name": SECRET},
                      "claims": {"source": "userInfo"},
                      "networks": [ADDRESS + "/32"]}]})
    said = company.wait_for("AuthenticationReady", "False", "ClientSecretMissing",
                            limit=UNTIL_TOLD)
    assert SECRET in said["message"] and k.TENANT_LABEL in said["message"]
    company.wait_for("DatabaseReady", "True")
    company.expect("HomeserverReady", "False", "Waiting", "authentication")


def test_it_heals_when_the_secret_arrives(company, client_secret):
    bring(company, client_secret)
    company.wait_ready()


def test_people_may_choose(company):
    offered = flows(company)
    assert "m.login.password" in offered
    names = [entry["name"] for entry in offered["m.login.sso"]["identity_providers"]]
    assert names == ["Acme login"]


def test_an_employee_logs_in_through_the_provider(company, provider, memory):
    watch = Stopwatch()
    person, answer = log_in_through_provider(company, provider, "test-user")
    figure("a login through the provider", f"{watch.seconds:.1f} s")
    domain = f"{company.name}.{company.namespace}.example"
    # Of a mail address, what is before the "@".
    assert person.user == f"@test-user:{domain}"
    assert answer["expires_in_ms"] <= 300_000 and answer["refresh_token"]
    profile = person.call("GET", f"/_matrix/client/v3/profile/{person.user}/displayname")
    assert profile["displayname"] == "Test User"
    memory["employee"] = person.user


def test_the_same_person_gets_the_same_account(company, provider, memory):
    person, _ = log_in_through_provider(company, provider, "test-user")
    assert person.user == memory["employee"]


def test_no_secret_is_outside_its_secret(company, client_secret):
    for (kind, name), item in company.children().items():
        if kind != "Secret":
            assert client_secret not in str(item), f"{kind} {name} holds the client secret"
    assert client_secret not in str(company.resource())


def test_a_new_client_secret_rolls_the_homeserver(company, provider, client_secret):
    before = k.uid_of(k.get("pod", f"{company.name}-homeserver-0", company.namespace))

    def rolled():
        pod = k.get("pod", f"{company.name}-homeserver-0", company.namespace)
        assert pod and k.uid_of(pod) != before, "the homeserver still has the old one"
    bring(company, "another " + client_secret)
    wait_until("the homeserver rolls", rolled, UNTIL_ROLLED)
    company.wait_ready()

    def refused():
        # The company may be told ready by what was known before the homeserver rolled.
        page = browser(company, provider).log_in("acme", "test-user")
        assert "loginToken" not in page.text, "the provider took a wrong client secret"
    wait_until("the wrong one is refused", refused, UNTIL_ROLLED)
    bring(company, client_secret)

    def works():
        log_in_through_provider(company, provider, "test-user")
    company.wait_ready()
    wait_until("the right one works again", works, UNTIL_ROLLED)


@pytest.fixture(scope="module")
def staff(company):
    """Employees with passwords, made by the company's administrator."""
    administrator = matrix.administrator_of(company)
    domain = administrator.user.split(":", 1)[1]
    people = {f"@employee{number}:{domain}": secrets.token_urlsafe(16) + "7"
              for number in range(EMPLOYEES)}
    answers = company.each_from_inside(
        [("PUT", f"/_synapse/admin/v2/users/{user}", {"password": password})
         for user, password in people.items()], administrator.token)
    for user, (status, body) in zip(people, answers):
        assert status == 201, f"{user} was not made: {status} {body.get('error')}"
    return people


@pytest.fixture(scope="module")
def door(staff, company):
    """Where they log in, asked for once: `./dev status` takes longer than a login."""
    return company.contact()


def attempt(door, user, password):
    return matrix.Client(door["address"], door["caFile"]).send("POST", LOGIN, json={
        "type": "m.login.password", "password": password,
        "identifier": {"type": "m.id.user", "user": user}})


def test_the_first_monday_from_one_office(door, staff):
    watch = Stopwatch()
    answers = [attempt(door, user, password).status_code for user, password in staff.items()]
    figure(f"{EMPLOYEES} people log in one after the other from one address",
           f"{watch.seconds:.1f} s")
    assert set(answers) == {200}, f"answers: {answers}"


def test_a_weak_password_is_refused_by_its_rules(company, staff):
    user, password = next(iter(staff.items()))
    person = anybody(company)
    person.login(user, password)

    def change(wanted):
        request = {"new_password": wanted, "auth": {
            "type": "m.login.password", "password": password,
            "identifier": {"type": "m.id.user", "user": user}}}
        return person.send("POST", "/_matrix/client/v3/account/password", json=request)
    answer = change("short1")
    assert answer.status_code == 400 and answer.json()["errcode"] == "M_PASSWORD_TOO_SHORT"
    answer = change("a long one without any of them")
    assert answer.status_code == 400 and answer.json()["errcode"] == "M_PASSWORD_NO_DIGIT"


def test_guessing_one_account_is_stopped(door, staff):
    user = list(staff)[-1]
    for number in range(GUESSES):
        answer = attempt(door, user, f"guess number {number}")
        if answer.status_code == TOO_MANY:
            figure("guesses before the server asks to wait", number)
            return
        assert answer.status_code == 403, f"answers {answer.status_code}"
    raise AssertionError(f"{GUESSES} guesses were allowed")


def test_without_passwords_the_provider_is_the_only_way(company, provider, memory):
    company.change(authentication={"password": {"enabled": False}})
    company.wait_ready()

    def gone():
        assert "m.login.password" not in flows(company), "passwords are still offered"
    wait_until("passwords are gone", gone, UNTIL_ROLLED)
    person, _ = log_in_through_provider(company, provider, "test-user")
    assert person.user == memory["employee"]
