"""A company is closed for a while, gets new keys, and goes for good when that was asked for."""



import pytest

from support import kubectl as k
from support import matrix
from support.company import KEPT_KINDS
from support.waiting import Stopwatch, figure, wait_until

UNTIL_CLOSED = 90
UNTIL_GONE = 90
UNTIL_ROTATED = 150
UNTIL_HEARD = 60
FINALIZER = "alphorn.dev/erase"
# The network that the playground's node answers on: its name service sends every company there.
NODE = "10.250.0.1/32"
PORTS = {"oscar": 30041, "papa": 30042}


def server_name(company):
    """With a port: other servers then come straight to the node's port."""
    return f"{company.name}.{company.namespace}.example:{PORTS[company.name]}"


@pytest.fixture(scope="module")
def oscar(offices):
    """A company that federates with another one, papa; both come up at the same time."""
    oscar, papa = offices.company("oscar"), offices.company("papa")
    for company, other in ((oscar, papa), (papa, oscar)):
        company.found(serverName=server_name(company), encryption={"rooms": "off"},
                      federation={"mode": "allowlist", "allow": [server_name(other)],
                                  "privateNetworks": [NODE]},
                      exposure={"mode": "nodePort", "nodePort": PORTS[company.name]})
    oscar.wait_ready()
    offices.papa = papa
    return oscar


@pytest.fixture(scope="module")
def papa(oscar, offices):
    offices.papa.wait_ready()
    return offices.papa


@pytest.fixture(scope="module")
def memory():
    return {}


def test_a_fence_lets_nobody_in_while_everything_runs(oscar, memory):
    admin = matrix.administrator_of(oscar)
    memory["admin"] = admin
    pods = {k.name_of(pod) for pod in oscar.pods() if "-gateway-" not in k.name_of(pod)}
    oscar.change(fenced=True)
    watch = Stopwatch()
    oscar.wait_for("Fenced", "True", "Closed", limit=UNTIL_CLOSED)
    figure("a company closed", f"{watch.seconds:.0f} s")
    oscar.wait_for("Ready", "False", "Fenced", limit=UNTIL_CLOSED)
    for condition, value in (("Stalled", "False"), ("Reconciling", "False"),
                             ("HomeserverReady", "True"), ("DatabaseReady", "True")):
        oscar.expect(condition, value)
    for path in ("/_matrix/client/v3/account/whoami", "/_matrix/client/versions",
                 "/_matrix/federation/v1/version", "/_synapse/admin/v1/server_version", "/"):
        answer = admin.send("GET", path)
        assert answer.status_code == 503, f"{path} is answered with {answer.status_code}"
        assert answer.json()["errcode"] == "M_UNKNOWN"
        assert int(answer.headers["Retry-After"]) > 0
    assert admin.send("GET", "/.well-known/matrix/client").status_code == 200
    status, _ = oscar.from_inside("GET", "/_matrix/client/v3/account/whoami", admin.token)
    assert status == 200, f"inside, the homeserver answers {status}"
    assert pods <= {k.name_of(pod) for pod in oscar.pods()}, "more than the gateway was replaced"


def test_and_without_it_people_are_where_they_were(oscar, memory):
    oscar.change(fenced=False)
    oscar.wait_ready()
    oscar.expect("Fenced", "False")
    admin = memory["admin"]

    def is_back():
        # A connection that the closed gateway keeps until it has stopped may be in the way.
        found = admin.call("GET", "/_matrix/client/v3/account/whoami")
        assert found["user_id"] == admin.user
    wait_until("the administrator is back", is_back, UNTIL_CLOSED)


def rotate(company, wish, *keys):
    k.kubectl("annotate", k.CHS, company.name, "-n", company.namespace, "--overwrite",
              *(f"alphorn.dev/rotate-{key}={wish}" for key in keys))


def annotations_of_keys(company):
    secret = k.get("secret", f"{company.name}-homeserver-keys", company.namespace)
    return secret["metadata"].get("annotations", {})


def published(client):
    """(keys that sign, keys that signed) as other servers read them."""
    answer = client.call("GET", "/_matrix/key/v2/server")
    return answer["verify_keys"], answer["old_verify_keys"]


def test_its_keys_are_drawn_anew_on_request_and_only_once(oscar, memory):
    admin = memory["admin"]
    memory["room"] = admin.create_room(name="Tender", preset="private_chat")
    memory["before"] = matrix.say(admin, memory["room"], "signed with the first key")
    old_id, _ = oscar.signing_key()
    public = published(admin)[0][old_id]["key"]
    others = {key: value for key, value in oscar.secret("homeserver-keys").items()
              if key not in ("signing.key", "macaroon")}
    macaroon = oscar.secret("homeserver-keys")["macaroon"]
    watch = Stopwatch()
    rotate(oscar, "first", "signing-key", "macaroon-secret")

    def done():
        new_id, _ = oscar.signing_key()
        assert new_id != old_id, f"it still signs with {old_id}"
        assert annotations_of_keys(oscar).get("alphorn.dev/rotated-macaroon-secret") == "first"
        assert oscar.status()["signingKeyId"] == new_id
        oscar.expect("Ready", "True")
        signs, signed = published(admin)
        assert set(signs) == {new_id}, f"it signs with {set(signs)}"
        assert signed[old_id]["key"] == public, f"it tells of {signed} as its former keys"
        return new_id
    memory["key"] = wait_until("the new key signs", done, UNTIL_ROTATED)
    figure("signing key and macaroon secret rotated", f"{watch.seconds:.0f} s")
    keys = oscar.secret("homeserver-keys")
    assert keys["macaroon"] != macaroon
    assert {key: keys[key] for key in others} == others, "more was drawn anew than was asked for"
    assert not [event for event in oscar.events() if event[1] in ("KeysLost", "WrongSigningKey")]


def test_people_stay_logged_in(oscar, memory):
    admin = memory["admin"]
    assert admin.call("GET", "/_matrix/client/v3/account/whoami")["user_id"] == admin.user
    assert matrix.heard(admin, memory["room"], memory["before"])


def test_a_server_that_never_saw_the_former_key_trusts_what_it_signed(papa, memory):
    """Joining, it checks who created the room and who said what by the key that signs no more."""
    guest = matrix.administrator_of(papa)
    admin = memory["admin"]
    admin.call("POST", f"/_matrix/client/v3/rooms/{memory['room']}/invite",
               json={"user_id": guest.user})

    def is_invited():
        invited = guest.sync(timeout=0).get("rooms", {}).get("invite", {})
        assert memory["room"] in invited, f"{guest.user} is invited to {list(invited)}"
    wait_until("the invitation arrives", is_invited, UNTIL_HEARD)
    guest.call("POST", f"/_matrix/client/v3/join/{memory['room']}", json={},
               params={"via": admin.user.split(":", 1)[1]})
    memory["guest"] = guest


def test_messages_go_both_ways_by_the_new_key(memory):
    for speaker, listener in (("admin", "guest"), ("guest", "admin")):
        event = matrix.say(memory[speaker], memory["room"], f"{speaker} speaks")
        wait_until(f"{listener} hears {speaker}",
                   lambda: matrix.heard(memory[listener], memory["room"], event), UNTIL_HEARD)


def test_a_wish_that_nobody_can_fulfil_is_named(oscar):
    rotate(oscar, "first", "pepper")
    oscar.wait_for("KeysReady", "True", "RotationUnknown", "alphorn.dev/rotate-pepper", UNTIL_HEARD)
    k.kubectl("annotate", k.CHS, oscar.name, "-n", oscar.namespace, "alphorn.dev/rotate-pepper-")
    oscar.wait_for("KeysReady", "True", "Ready", limit=UNTIL_HEARD)


def test_made_again_with_the_same_wish_it_has_the_same_keys(oscar, memory):
    manifest = oscar.resource()
    annotations = {key: value for key, value in manifest["metadata"]["annotations"].items()
                   if key.startswith("alphorn.dev/")}
    oscar.dissolve()
    k.create({"apiVersion": manifest["apiVersion"], "kind": manifest["kind"],
              "metadata": {"name": oscar.name, "namespace": oscar.namespace,
                           "annotations": annotations},
              "spec": manifest["spec"]})
    oscar.wait_ready()
    assert oscar.signing_key()[0] == memory["key"], "another key was drawn"
    assert oscar.status()["signingKeyId"] == memory["key"]
    signs, signed = published(memory["admin"])
    assert set(signs) == {memory["key"]}
    assert len(signed) == 1, f"former keys: {set(signed)}"


def finalizers(company):
    return company.resource()["metadata"].get("finalizers", [])


def test_data_is_held_by_a_finalizer_only_while_it_should_go_too(oscar):
    assert FINALIZER not in finalizers(oscar)
    for policy, holds in (("Delete", True), ("Retain", False), ("Delete", True)):
        oscar.change(deletionPolicy=policy)

        def follows():
            assert (FINALIZER in finalizers(oscar)) == holds, f"{policy}: {finalizers(oscar)}"
        wait_until(f"the finalizer follows {policy}", follows, UNTIL_CLOSED, every=0.2)
    oscar.wait_ready()


def test_nobody_but_the_operator_may_take_it_away_by_mistake(oscar):
    for kind, name in (("pvc", f"{oscar.name}-media"), ("secret", f"{oscar.name}-homeserver-keys")):
        said = k.refusal("delete", kind, name, "-n", oscar.namespace)
        assert "cannot be made again" in said, said


def test_deleted_it_takes_its_data_along(oscar):
    volumes = {item["spec"]["volumeName"] for (kind, _), item in oscar.children().items()
               if kind == "PersistentVolumeClaim"}
    assert len(volumes) == 2
    watch = Stopwatch()
    oscar.dissolve()
    assert k.get(k.CHS, oscar.name, oscar.namespace) is None
    figure("a company and its data deleted", f"{watch.seconds:.0f} s")
    left = {identity for identity, item in oscar.children().items()
            if identity[0] in KEPT_KINDS and "alphorn.dev/keep" in item["metadata"]["labels"]}
    assert not left, f"still there: {sorted(left)}"
    assert not oscar.pods(), "something runs still"

    def volumes_are_gone():
        found = volumes & {k.name_of(item) for item in k.listed("persistentvolumes")}
        assert not found, f"volumes {found} are left"
    wait_until("its volumes are gone", volumes_are_gone, UNTIL_GONE)
    oscar.wait_for_event("Erased", "data and keys are gone")


def test_a_namespace_that_goes_meanwhile_is_not_held_up(oscar, offices):
    """Before anything of it came up: what is there is erased all the same."""
    hasty = offices.company("hasty")
    hasty.found(deletionPolicy="Delete")

    def is_held():
        assert FINALIZER in finalizers(hasty)
    wait_until("the finalizer is there", is_held, UNTIL_CLOSED, every=0.2)
    watch = Stopwatch()
    offices.close()
    figure("namespaces gone", f"{watch.seconds:.0f} s")
