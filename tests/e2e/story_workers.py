"""A company grows from one process to several, loses each of them, and shrinks again; nobody's
message is lost on the way."""

import base64
import contextlib
import concurrent.futures
import datetime
import json
import os
import secrets
import signal

import pytest

from support import doors
from support import kubectl as k
from support import matrix, processes
from support.waiting import Stopwatch, figure, wait_until
from support.writers import Writers, texts_of

# Of each role one, of two of them two: those share their work.
COUNTS = {"sync": 2, "client": 1, "creator": 1, "persister": 2, "writer": 1, "media": 1}
SMALL = {"requests": {"cpu": "20m", "memory": "96Mi"}}
PEOPLE, ROOMS, WRITERS = 50, 5, 10
UNTIL_ROLLED = 240
UNTIL_BACK = 120
UNTIL_TOLD = 30
GATEWAY = ("gateway", 8443)


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("beehive")


@pytest.fixture(scope="module")
def memory():
    return {}


@pytest.fixture(scope="module")
def administrator(company):
    return matrix.administrator_of(company)


def workers(counts):
    return {"workers": {**counts, "resources": SMALL}}


def names_of_workers():
    return {f"beehive-{role}-{index}" for role, count in COUNTS.items() for index in range(count)}


def pods_of(company):
    """{name: pod} of those that are not on their way out."""
    return {k.name_of(pod): pod for pod in company.pods()
            if "deletionTimestamp" not in pod["metadata"]}


def component_of(name):
    return name.split("-")[1]


def beside(company, pod, program, *arguments, stdin=None):
    return k.kubectl("exec", "-i", "-n", company.namespace, pod, "-c", "synapse", "--", "python3",
                     "-c", program, *arguments, stdin=stdin).strip()


def test_it_begins_as_one_process(company, memory):
    company.found(homeserver={"resources": SMALL}, database={"resources": SMALL})
    company.wait_ready()
    assert set(company.children()) == company.expected_children()
    person = matrix.administrator_of(company)
    memory["room"] = person.create_room(preset="private_chat")
    memory["before"] = matrix.say(person, memory["room"], "from before")
    memory["picture"] = person.upload(b"a picture from before", "image/jpeg")


def test_it_grows(company, memory):
    watch = Stopwatch()
    company.change(homeserver=workers(COUNTS))
    company.wait_ready(limit=UNTIL_ROLLED)
    figure(f"from one process to {1 + sum(COUNTS.values())}", f"{watch.seconds:.0f} s")
    running = {name for name in pods_of(company) if component_of(name) in COUNTS}
    assert running == names_of_workers()
    company.expect("RedisReady", "True")
    company.expect("WorkersReady", "True")
    person = matrix.administrator_of(company)
    assert matrix.heard(person, memory["room"], memory["before"])["content"]["body"] == "from before"
    assert person.download(memory["picture"]).content == b"a picture from before"


def test_several_of_a_kind_are_not_all_evicted_at_once(company):
    def counted():
        budgets = k.listed("poddisruptionbudgets", company.namespace)
        assert {k.name_of(item) for item in budgets} == {"beehive-sync", "beehive-persister"}
        for item in budgets:
            assert item["spec"]["maxUnavailable"] == 1
            # Counted by Kubernetes, somewhat after the pods are ready.
            told = item.get("status", {})
            assert (told.get("currentHealthy"), told.get("disruptionsAllowed")) == (2, 1), told
    wait_until("the budgets are counted", counted, UNTIL_TOLD)


def marked(person, method, path, role, memory, **options):
    mark = f"mark-{role}-{secrets.token_hex(4)}"
    answer = person.send(method, path, params={"mark": mark, **options.pop("params", {})}, **options)
    assert answer.ok, f"{method} {path} answers {answer.status_code}: {answer.text[:200]}"
    memory[mark] = role


def test_each_request_lands_on_the_worker_for_it(company, administrator, memory):
    """By what each process writes down of the requests that it answered."""
    room, user, client = memory["room"], administrator.user, "/_matrix/client"
    began = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = {"msgtype": "m.text", "body": "where?"}
    marks = {}
    for method, path, role, options in [
            ("GET", f"{client}/v3/sync", "sync", {"params": {"timeout": "0"}}),
            ("GET", f"{client}/versions", "client", {}),
            ("GET", f"{client}/v3/joined_rooms", "client", {}),
            ("GET", f"{client}/v3/rooms/{room}/messages", "client", {"params": {"dir": "b"}}),
            ("POST", f"{client}/v3/keys/query", "client", {"json": {"device_keys": {user: []}}}),
            ("PUT", f"{client}/v3/rooms/{room}/send/m.room.message/{secrets.token_hex(4)}",
             "creator", {"json": text}),
            ("PUT", f"{client}/v3/rooms/{room}/state/m.room.topic/", "creator",
             {"json": {"topic": "bees"}}),
            ("PUT", f"{client}/v3/rooms/{room}/typing/{user}", "writer",
             {"json": {"typing": True, "timeout": 1000}}),
            ("POST", f"{client}/v3/rooms/{room}/receipt/m.read/{memory['before']}", "writer",
             {"json": {}}),
            ("PUT", f"{client}/v3/user/{user}/account_data/org.example.bee", "writer",
             {"json": {"honey": True}}),
            ("GET", f"{client}/v3/devices", "writer", {}),
            ("GET", f"{client}/v1/media/config", "media", {}),
            ("POST", "/_matrix/media/v3/upload", "media", {"data": b"a picture"}),
            # What no worker may do is the main process's.
            ("GET", f"{client}/v3/pushers", "homeserver", {}),
            ("GET", f"{client}/v3/login", "client", {}),
    ]:
        marked(administrator, method, path, role, marks, **options)

    def written_down():
        found = {}
        for name in sorted(names_of_workers() | {"beehive-homeserver-0"}):
            said = k.kubectl("logs", "-n", company.namespace, name, "-c", "synapse",
                             f"--since-time={began}")
            answered = [line for line in said.splitlines() if "Processed request" in line]
            for mark in marks:
                if any(mark in line for line in answered):
                    found.setdefault(mark, set()).add(component_of(name))
            if component_of(name) == "persister" and any(
                    "/_synapse/replication/send_event" in line for line in answered):
                found.setdefault("persister", set()).add(name)
        assert len(found) == len(marks) + 1, f"of {sorted(marks)} these are found: {found}"
        return found

    found = wait_until("every request is in somebody's log", written_down, UNTIL_TOLD)
    # A room is one persister's.
    assert len(found.pop("persister")) == 1
    assert found == {mark: {role} for mark, role in marks.items()}


_ACCOUNTS = """
import concurrent.futures, json, sys, urllib.request
job = json.load(sys.stdin)
def ask(method, path, body):
    request = urllib.request.Request("http://127.0.0.1:8008" + path, method=method,
        headers={"Authorization": "Bearer " + job["token"]}, data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.loads(answer.read())
def account(person):
    user, password = person
    ask("PUT", "/_synapse/admin/v2/users/" + user, {"password": password} if password else {})
    return ask("POST", "/_synapse/admin/v1/users/" + user + "/login", {})["access_token"]
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(account, job["people"]))))
"""


def test_fifty_people_join_write_and_read(company, administrator, memory):
    server = company.resource()["spec"]["serverName"]
    users = [f"@bee{number}:{server}" for number in range(PEOPLE)]
    # Those that will insist on their messages have devices, as apps do.
    passwords = [secrets.token_urlsafe(24) if number < WRITERS else "" for number in range(PEOPLE)]
    tokens = json.loads(beside(company, "beehive-homeserver-0", _ACCOUNTS, stdin=json.dumps(
        {"token": administrator.token, "people": list(zip(users, passwords))})))
    contact = company.contact()

    def arrive(user, password, token):
        client = matrix.Client(contact["address"], contact["caFile"])
        client.token, client.user = token, user
        if password:
            client.token = None
            client.login(user, password)
        return client

    rooms = [administrator.create_room(preset="public_chat", name=f"Comb {number}")
             for number in range(ROOMS)]

    def talk(number):
        person, room = people[number], rooms[number % ROOMS]
        since = person.sync(timeout=0)["next_batch"]
        person.call("POST", f"/_matrix/client/v3/join/{room}", json={})
        event = matrix.say(person, room, f"{person.user} is here")
        heard = {}
        for _ in range(100):
            answer = person.sync(since=since, timeout=2000)
            since = answer["next_batch"]
            joined = answer.get("rooms", {}).get("join", {}).get(room, {"timeline": {"events": []}})
            heard.update({entry["event_id"]: entry for entry in joined["timeline"]["events"]})
            if event in heard:
                return event
        raise AssertionError(f"{person.user} never heard {event}")

    watch = Stopwatch()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        people = list(pool.map(arrive, users, passwords, tokens))
        events = list(pool.map(talk, range(PEOPLE)))
    figure(f"{PEOPLE} people log in, join, write and hear it", f"{watch.seconds:.1f} s")
    for number, room in enumerate(rooms):
        said = {event for event, _ in texts_of(administrator, room)}
        assert said == {event for index, event in enumerate(events) if index % ROOMS == number}
    memory.update(people=people, rooms=rooms, said={room: {} for room in rooms})


def kill(company, pod):
    """SIGKILL to the programs themselves: nothing is said goodbye to."""
    for _, container in processes.containers_of(pods_of(company)[pod]):
        for process in processes.of_container(container):
            with contextlib.suppress(ProcessLookupError):  # it went with another one
                os.kill(process.pid, signal.SIGKILL)


def restarts(company, pod):
    return sum(entry["restartCount"] for entry in pods_of(company)[pod]["status"].get(
        "containerStatuses", []))


@pytest.mark.parametrize("victims", [
    ["beehive-creator-0"], ["beehive-persister-0"], ["beehive-persister-1"],
    ["beehive-redis-0"], ["beehive-homeserver-0"], ["beehive-database-0"],
    ["beehive-sync-0", "beehive-gateway"],
    ["beehive-client-0", "beehive-writer-0", "beehive-media-0"],
], ids=lambda victims: "+".join(victim.removeprefix("beehive-") for victim in victims))
def test_no_accepted_message_is_lost_with(company, administrator, memory, victims):
    pods = pods_of(company)
    doomed = [next(name for name in pods if name.startswith(victim)) for victim in victims]
    before = {name: restarts(company, name) for name in doomed}
    writers = [(memory["people"][number], memory["rooms"][number % ROOMS])
               for number in range(WRITERS)]
    with Writers(writers) as writing:
        wait_until("people write", lambda: _assert_many(writing.accepted, WRITERS), UNTIL_TOLD, 0.2)
        watch = Stopwatch()
        for name in doomed:
            kill(company, name)

        def back():
            for name in doomed:
                assert restarts(company, name) > before[name], f"{name} was not restarted yet"
            company.expect("Ready", "True")
        wait_until("all is well again", back, UNTIL_BACK)
        took, heard = watch.seconds, len(writing.accepted)
        wait_until("people write on", lambda: _assert_many(writing.accepted, heard + WRITERS),
                   UNTIL_TOLD, 0.2)
    figure(f"without {' and '.join(doomed)}", f"{took:.0f} s; {len(writing.accepted)} messages "
           f"accepted, {writing.retries} times sent again")
    for event, (room, text) in writing.accepted.items():
        memory["said"][room][event] = text
    for room, said in memory["said"].items():
        # Connections that died with the database are found dead one by one, by requests that fail.
        found = wait_until(f"{room} can be read",
                           lambda room=room: texts_of(administrator, room), UNTIL_TOLD)
        lost = set(said.items()) - set(found)
        assert not lost, f"lost: {lost}"
        # Neither was anything said twice: who sends again says it is the same.
        mine = [text for _, text in found if text in set(said.values())]
        assert len(mine) == len(said), "something is there twice"


def _assert_many(found, least):
    assert len(found) >= least, f"{len(found)} messages, fewer than {least}"


_KNOCK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=30) as wire:
    wire.sendall(sys.argv[3].encode().replace(b"|", b"\\r\\n"))
    print(wire.recv(200).decode(errors="replace"))
"""


def test_who_lacks_the_password_or_the_secret_is_refused(company):
    """From where all doors are open: beside the main process."""
    def knock(host, port, text):
        return beside(company, "beehive-homeserver-0", _KNOCK, host, str(port), text)
    assert "NOAUTH" in knock("beehive-redis", 6379, "PING|")
    for pod, host in (("beehive-persister-0", "beehive-persister-0.beehive-persister"),
                      ("beehive-homeserver-0", "beehive-homeserver")):
        answer = knock(host, 9093, "POST /_synapse/replication/send_events/x HTTP/1.1|Host: x|"
                       "Content-Length: 2|Content-Type: application/json||{}")
        # Synapse has no better words for it; its log says why.
        assert " 500 " in answer.splitlines()[0], f"{host} answers {answer[:100]}"
        said = k.kubectl("logs", "-n", company.namespace, pod, "-c", "synapse", "--since=300s")
        assert "Missing Authorization header" in said, f"{host} did not ask for the secret"


def test_a_stranger_finds_the_front_door_and_no_other(company):
    pods = pods_of(company)
    known = {(doors.address_of(pod), port): (component_of(name), port)
             for name, pod in pods.items() for port in doors.listening(pod) | doors.declared(pod)}
    assert {("redis", 6379), ("persister", 9093), ("sync", 8008)} <= set(known.values())
    stranger = doors.idle_pod("stranger", company.namespace, {}, pods["beehive-homeserver-0"])

    def only_that():
        found = {known[door] for door in doors.open_from(stranger, known)}
        assert found == {GATEWAY}, f"found {sorted(found)}"
    wait_until("a stranger reaches the gateway alone", only_that, UNTIL_TOLD)
    k.delete("pod", "stranger", company.namespace)


def test_the_replication_secret_is_drawn_anew_by_annotation(company, administrator, memory):
    old = company.secret("worker-keys")
    watch = Stopwatch()
    k.kubectl("annotate", k.CHS, company.name, "-n", company.namespace,
              "alphorn.dev/rotate-replication-secret=1")

    def drawn():
        now = company.secret("worker-keys")
        assert now["replication"] != old["replication"], "it is still the old one"
        assert now["redis"] == old["redis"], "the password of Redis was changed as well"
    wait_until("a new secret is drawn", drawn, UNTIL_TOLD)
    company.wait_ready(limit=UNTIL_ROLLED)

    def heard():
        answer = administrator.send(
            "PUT", f"/_matrix/client/v3/rooms/{memory['room']}/send/m.room.message/rotated",
            json={"msgtype": "m.text", "body": "with a new secret"})
        assert answer.ok, f"{answer.status_code} {answer.text[:200]}"
    wait_until("people write", heard, UNTIL_TOLD)
    figure("from the annotation until all use the new secret", f"{watch.seconds:.0f} s")


def test_secrets_are_nowhere_but_in_their_secret(company):
    values = [value.decode() for value in company.secret("worker-keys").values()]
    encoded = [base64.b64encode(value.encode()).decode() for value in values]
    for kind in ("configmaps", "statefulsets", "pods", "events", k.CHS):
        text = str(k.listed(kind, company.namespace))
        assert not any(value in text for value in values + encoded), f"{kind} hold a secret"
    for name, pod in pods_of(company).items():
        for container, identity in processes.containers_of(pod):
            said = k.kubectl("logs", "-n", company.namespace, name, "-c", container)
            assert not any(value in said for value in values), f"{name} {container} logs a secret"
            for process in processes.of_container(identity):
                try:
                    text = process.command_line() + process.environment()
                except (FileNotFoundError, ProcessLookupError):
                    continue  # A probe's command ended while we looked.
                assert not any(value in text for value in values), f"{name} shows a secret"


def test_it_shrinks_again(company, administrator, memory):
    watch = Stopwatch()
    company.change(homeserver={"workers": None})
    company.wait_ready(limit=UNTIL_ROLLED)
    figure("back to one process", f"{watch.seconds:.0f} s")

    def as_before():
        assert set(company.children()) == company.expected_children()
        left = {component_of(name) for name in pods_of(company)}
        assert left == {"database", "homeserver", "gateway", "web"}, f"{sorted(left)} run"
        assert not k.listed("poddisruptionbudgets", company.namespace)
    wait_until("what workers needed is gone", as_before, UNTIL_TOLD)
    assert "WorkersReady" not in company.conditions()
    # Who came through the gateway of before is led by its map for as long as it says goodbye.
    administrator = wait_until("people come in by the new gateway",
                               lambda: matrix.administrator_of(company), UNTIL_TOLD)
    for room, said in memory["said"].items():
        assert set(said.items()) <= set(texts_of(administrator, room))
    matrix.say(administrator, memory["room"], "one process again")
    assert administrator.download(memory["picture"]).content == b"a picture from before"
