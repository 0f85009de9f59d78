"""After ./dev up there is a company whose people can talk: over TLS, and through no other door."""

import re
import secrets
import ssl

import pytest

from support import kubectl as k
from support import matrix, wire
from support.company import UNTIL_READY
from support.waiting import Stopwatch, figure

ENCRYPTION = "m.room.encryption"
MEGOLM = "m.megolm.v1.aes-sha2"
INSIDE = "/_synapse/admin/v1/server_version"


@pytest.fixture(scope="module")
def contact(acme):
    return acme.contact()


@pytest.fixture(scope="module")
def admin(acme):
    """The administrator, logged in once for the whole story."""
    return matrix.administrator_of(acme)


def test_kubectl_waits_for_it_and_shows_what_it_is(acme):
    k.kubectl("wait", "--for=condition=Ready", "chs/acme", "-n", "acme",
              f"--timeout={2 * UNTIL_READY}s")
    header, row = k.kubectl("get", "chs", "acme", "-n", "acme").splitlines()
    for column in ("NAME", "SERVER NAME", "VERSION", "READY", "AGE"):
        assert column in header, f"kubectl get chs has no column {column}: {header}"
    version = acme.status()["version"]
    for value in ("acme", "acme.example", version, "True"):
        assert value in row.split(), f"kubectl get chs does not show {value}: {row}"


def test_describe_names_every_condition(acme):
    text = k.kubectl("describe", "chs", "acme", "-n", "acme")
    for condition in ("Ready", "Reconciling", "Stalled", "KeysReady", "CertificatesReady",
                      "VolumesReady", "ExposureReady", "DatabaseReady", "HomeserverReady",
                      "AdministratorReady", "GatewayReady", "WebReady"):
        found = re.search(rf"Type:\s+{condition}\n", text)
        assert found, f"describe has no condition {condition}:\n{text}"
    assert "Events:" in text, text
    acme.expect("Ready", "True")
    acme.expect("Stalled", "False")
    acme.expect("Reconciling", "False")


def test_the_printed_authority_vouches_for_every_public_name(acme, contact):
    for host in acme.status()["hosts"]:
        _, leaf = wire.handshake(contact["address"], wire.trusting(contact["caFile"]), host)
        names = [value for kind, value in leaf["subjectAltName"] if kind == "DNS"]
        assert host in names, f"the certificate shown for {host} is for {names}"
    with pytest.raises(ssl.SSLCertVerificationError):
        wire.handshake(contact["address"], ssl.create_default_context())
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        wire.handshake(contact["address"], wire.trusting(contact["caFile"]), "elsewhere.example")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_present_tls_is_spoken(contact, version):
    spoken, _ = wire.handshake(contact["address"], wire.only(contact["caFile"], version))
    assert spoken == version.name.replace("_", "."), spoken


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_obsolete_tls_is_refused(contact, version):
    context = wire.only(contact["caFile"], version)
    # An alert or a closed connection: by the server, which is what "refused" means here.
    with pytest.raises((ssl.SSLError, ConnectionError)) as refused:
        wire.handshake(contact["address"], context)
    assert "NO_PROTOCOLS_AVAILABLE" not in str(refused.value), "this client cannot even try"


def test_a_client_finds_the_server(acme, contact):
    client = matrix.Client(contact["address"], contact["caFile"])
    versions = client.call("GET", "/_matrix/client/versions")["versions"]
    assert "v1.11" in versions, f"no authenticated media in {versions}"
    port = contact["address"].rsplit(":", 1)[1]
    client.address = f"https://acme.example:{port}"
    found = client.send("GET", "/.well-known/matrix/client")
    assert found.json()["m.homeserver"]["base_url"].rstrip("/") == contact["address"], found.text
    assert found.headers["Access-Control-Allow-Origin"] == "*", found.headers
    assert found.headers["Content-Type"].startswith("application/json"), found.headers
    server = client.call("GET", "/.well-known/matrix/server")["m.server"]
    assert server.startswith(acme.status()["hosts"][0]), f"other servers are sent to {server}"


def test_the_administrator_logs_in_with_the_password_of_the_secret(admin, contact):
    assert admin.user == contact["adminUser"] == "@admin:acme.example"
    assert admin.call("GET", "/_matrix/client/v3/account/whoami")["user_id"] == admin.user


def test_an_encrypted_room_is_created_and_sync_sees_it_and_its_message(admin):
    begin = admin.sync(timeout=0)["next_batch"]
    rule = {"type": ENCRYPTION, "state_key": "", "content": {"algorithm": MEGOLM}}
    room = admin.create_room(name="Board", initial_state=[rule])
    assert admin.state(room, ENCRYPTION)["algorithm"] == MEGOLM
    watch = Stopwatch()
    event = admin.send_event(room, "m.room.message", secrets.token_hex(8),
                             {"msgtype": "m.text", "body": "first light"})
    joined = admin.sync(since=begin, timeout=10000)["rooms"]["join"]
    figure("message sent and seen by /sync", f"{watch.seconds * 1000:.0f} ms")
    assert room in joined, f"/sync shows {list(joined)}, not {room}"
    seen = {entry["event_id"]: entry for entry in joined[room]["timeline"]["events"]}
    assert event in seen, f"/sync shows {[entry['type'] for entry in seen.values()]} only"
    assert seen[event]["content"]["body"] == "first light"


def test_a_room_of_invited_people_is_encrypted_without_asking(admin):
    room = admin.create_room(preset="private_chat", name="Payroll")
    assert admin.state(room, ENCRYPTION)["algorithm"] == MEGOLM


def test_a_file_comes_back_as_it_was_sent_and_only_to_those_logged_in(admin, contact):
    picture = secrets.token_bytes(3_000_000)
    uri = admin.upload(picture, "image/png")
    answer = admin.download(uri)
    assert answer.status_code == 200, f"download answers {answer.status_code}: {answer.text[:200]}"
    assert answer.content == picture, f"{len(answer.content)} bytes came back, not those sent"
    stranger = matrix.Client(contact["address"], contact["caFile"])
    assert stranger.download(uri).status_code == 401, "media is given to strangers"


REFUSED = [
    ("GET", INSIDE), ("HEAD", INSIDE), ("OPTIONS", INSIDE), ("PATCH", INSIDE),
    ("GET", "/_synapse/admin"), ("GET", "/_synapse/admin/v1/register"),
    ("POST", "/_synapse/admin/v1/register"), ("DELETE", "/_synapse/admin/v2/rooms/!a:b"),
    ("PUT", "/_synapse/admin/v2/users/@eve:acme.example"),
    ("GET", "/_synapse/metrics"), ("GET", "/_synapse/replication/get_repl_stream_updates"),
    ("POST", "/_synapse/replication/fed_send_events"),
]


@pytest.mark.parametrize("method, path", REFUSED)
def test_the_inner_doors_are_closed(admin, contact, method, path):
    status, text = wire.exactly(contact["address"], contact["caFile"], method, path,
                                {"Authorization": f"Bearer {admin.token}"})
    assert status == 403, f"{method} {path} answers {status}: {text[:300]}"


DISGUISES = [
    "//_synapse/admin/v1/server_version",
    "/_synapse//admin/v1/server_version",
    "/_synapse/admin//v1/server_version",
    "/./_synapse/admin/v1/server_version",
    "/_SYNAPSE/ADMIN/v1/server_version",
    "/_Synapse/Admin/v1/server_version",
    "/%5fsynapse/admin/v1/server_version",
    "/_synapse/%61dmin/v1/server_version",
    "/_synapse%2fadmin%2fv1%2fserver_version",
    "/%2f_synapse/admin/v1/server_version",
    "/%2e/_synapse/admin/v1/server_version",
    "/_matrix/../_synapse/admin/v1/server_version",
    "/_matrix/%2e%2e/_synapse/admin/v1/server_version",
    "/_matrix/..%2f_synapse/admin/v1/server_version",
    "/_matrix/..%2F_synapse/admin/v1/server_version",
    "/_matrix/..%2F_synapse%2Fadmin%2Fv1%2Fserver_version",
    "/_matrix/..%2f_synapse%2fadmin%2fv1%2fserver_version",
    "/_matrix/client/%2e%2e%2f%2e%2e%2f_synapse/admin/v1/server_version",
    "/_matrix/%252e%252e/_synapse/admin/v1/server_version",
    "/_synapse/client/../admin/v1/server_version",
    "/_synapse/client/%2e%2e/admin/v1/server_version",
    "/_synapse/client/..%2fadmin/v1/server_version",
    "/_synapse/client/..%2Fadmin/v1/server_version",
    "/_matrix\\..\\_synapse/admin/v1/server_version",
    "/.well-known/matrix/../../_synapse/admin/v1/server_version",
    "/_matrix/client/versions/..;/../../_synapse/admin/v1/server_version",
    "/metrics",
    "/_synapse/metrics/",
    "//_synapse/metrics",
    "https://matrix.acme.example/_synapse/admin/v1/server_version",
]


@pytest.mark.parametrize("path", DISGUISES)
def test_no_disguise_opens_them(admin, contact, path):
    status, text = wire.exactly(contact["address"], contact["caFile"], "GET", path,
                                {"Authorization": f"Bearer {admin.token}"})
    assert status in (0, 400, 403, 404), f"GET {path} answers {status}: {text[:300]}"
    for leak in ('"server_version"', "synapse_"):
        assert leak not in text, f"GET {path} is answered by Synapse: {text[:300]}"


def test_those_doors_would_open_from_inside(acme, admin):
    """So the refusals above are the gateway's work, not a wrong path or a wrong token."""
    status, answer = acme.from_inside("GET", INSIDE, admin.token)
    assert (status, answer["server_version"]) == (200, acme.status()["version"])


def test_a_request_for_a_host_that_is_not_ours_reaches_nobody(contact):
    status, text = wire.exactly(contact["address"], contact["caFile"], "GET",
                                "/_matrix/client/versions", {"Host": "somebody-else.example"})
    assert status in (0, 400, 403, 404, 421), f"answers {status}: {text[:200]}"
    assert "versions" not in text, text[:200]
