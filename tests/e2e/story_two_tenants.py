"""Two companies share a cluster and nothing else; one that leaves and comes back finds its data."""

import secrets

import pytest

from support import kubectl as k
from support import matrix
from support.company import KEPT_KINDS
from support.waiting import Stopwatch, figure, wait_until

UNTIL_GONE = 120


@pytest.fixture(scope="module")
def bravo(offices):
    return offices.company("bravo")


@pytest.fixture(scope="module")
def memory():
    """What the story found before the company was deleted, to compare with afterwards."""
    return {}


def kept(company):
    """{(kind, name): uid} of what outlives the company: volumes and keys, not the certificate."""
    return {identity: k.uid_of(item) for identity, item in company.children().items()
            if identity[0] in KEPT_KINDS and not identity[1].endswith("-gateway-tls")}


def test_a_second_company_comes_up_beside_the_first(bravo):
    watch = Stopwatch()
    bravo.found()
    bravo.wait_ready()
    figure("a company from kubectl apply to Ready", f"{watch.seconds:.0f} s")
    assert set(bravo.children()) == bravo.expected_children()


def test_its_events_tell_how_it_came_up(bravo):
    bravo.wait_for_event("Serving", bravo.status()["address"])
    bravo.wait_for_event("Changed", f"create Secret {bravo.name}-homeserver-keys")
    described = k.kubectl("describe", "chs", bravo.name, "-n", bravo.namespace)
    assert "Serving" in described.split("Events:")[1], f"describe shows no events: {described}"


def test_their_keys_and_passwords_have_nothing_in_common(acme, bravo):
    acme_id, acme_seed = acme.signing_key()
    bravo_id, bravo_seed = bravo.signing_key()
    assert acme_id != bravo_id, f"both sign as {acme_id}"
    assert acme_seed != bravo_seed, "both have the same signing key"
    assert bravo.status()["signingKeyId"] == bravo_id
    for suffix in ("homeserver-keys", "database-keys", "administrator"):
        ours, theirs = acme.secret(suffix), bravo.secret(suffix)
        assert set(ours) == set(theirs)
        shared = [name for name in ours if ours[name] == theirs[name]]
        assert not shared, f"{suffix}: both companies have the same {shared}"
        short = [name for name, value in theirs.items() if len(value) < 32]
        assert not short, f"{suffix}: {short} can be guessed"


def test_the_first_companys_authority_and_accounts_do_not_open_the_second(acme, bravo, memory):
    admin = matrix.administrator_of(bravo)
    memory["admin"] = admin
    stranger = matrix.Client(acme.contact()["address"], acme.contact()["caFile"])
    stranger.token = admin.token
    answer = stranger.send("GET", "/_matrix/client/v3/account/whoami")
    assert answer.status_code == 401, f"acme takes bravo's token: {answer.status_code}"


def test_an_employee_uploads_a_file(bravo, memory):
    admin = memory["admin"]
    user = f"@jo:{bravo.resource()['spec']['serverName']}"
    memory["password"] = secrets.token_urlsafe(24)
    status, answer = bravo.from_inside("PUT", f"/_synapse/admin/v2/users/{user}", admin.token,
                                       {"password": memory["password"], "displayname": "Jo"})
    assert status == 201, f"creating {user} answers {status}: {answer}"
    jo = matrix.Client(bravo.contact()["address"], bravo.contact()["caFile"])
    jo.login(user, memory["password"])
    memory.update(jo=jo, file=secrets.token_bytes(500_000))
    memory["uri"] = jo.upload(memory["file"], "application/pdf")
    memory["room"] = jo.create_room(name="Sales", preset="private_chat")


def test_when_it_is_deleted_its_data_and_keys_stay(bravo, memory):
    memory.update(kept=kept(bravo), key=bravo.signing_key())
    assert len(memory["kept"]) == 6, f"expected 2 claims and 4 Secrets, found {memory['kept']}"
    bravo.dissolve()

    def only_what_is_kept_is_left():
        pods = [k.name_of(pod) for pod in bravo.pods()]
        assert not pods, f"still there: pods {pods}"
        left = set(bravo.children()) - set(memory["kept"])
        assert not left, f"still there: {sorted(left)}"

    watch = Stopwatch()
    wait_until("a deleted company is gone but for its data", only_what_is_kept_is_left, UNTIL_GONE)
    figure("deleted company gone", f"{watch.seconds:.0f} s")
    assert kept(bravo) == memory["kept"], "volumes or keys were deleted or made anew"


def test_when_it_comes_back_it_is_the_same_server_with_the_same_people(bravo, memory):
    bravo.found()
    watch = Stopwatch()
    bravo.wait_ready()
    figure("a company back from its data", f"{watch.seconds:.0f} s")
    assert kept(bravo) == memory["kept"], "volumes or keys were made anew"
    assert bravo.signing_key() == memory["key"]
    assert bravo.status()["signingKeyId"] == memory["key"][0]


def test_its_people_find_their_sessions_rooms_and_files(bravo, memory):
    jo = memory["jo"]
    contact = bravo.contact()
    jo.address = contact["address"]
    assert jo.call("GET", "/_matrix/client/v3/account/whoami")["user_id"] == jo.user
    assert memory["room"] in jo.call("GET", "/_matrix/client/v3/joined_rooms")["joined_rooms"]
    answer = jo.download(memory["uri"])
    assert answer.status_code == 200, f"download answers {answer.status_code}: {answer.text[:200]}"
    assert answer.content == memory["file"], "another file came back"
    again = matrix.Client(contact["address"], contact["caFile"])
    again.login(jo.user, memory["password"])
    admin = memory["admin"]
    admin.address = contact["address"]
    assert admin.call("GET", "/_matrix/client/v3/account/whoami")["user_id"] == admin.user


def test_deleting_the_namespace_leaves_nothing(bravo, offices):
    offices.close()

    def no_volume_is_left():
        volumes = [k.name_of(volume) for volume in k.listed("persistentvolumes")
                   if volume["spec"].get("claimRef", {}).get("namespace") == bravo.namespace]
        assert not volumes, f"volumes {volumes} are left"

    wait_until("the volumes of a deleted namespace are gone", no_volume_is_left, UNTIL_GONE)
