"""What the operator does for bridges inside Synapse and beside it, on real ones."""

import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "operator/manifests/scripts"
sys.path.insert(0, str(ROOT / "tests/support"))

from synapse import POSTGRES, POSTGRES_USER, SYNAPSE_USER, Synapse  # noqa: E402

PROBE = os.environ.get("LOGINS_PROBE") or str(ROOT / "build/dev/tests/contract/bridges/logins_probe")
BOT = "@hookshotbot:acme.example"


class Company(Synapse):
    """With the scripts that the operator mounts where there are bridges, in /data."""

    def configure(self):
        super().configure()
        folder = self.folder / "synapse/data"
        for script in ("plain_rooms.py", "skip_history.py"):
            shutil.copy(SCRIPTS / script, folder)
        (folder / "pg_service.conf").write_text(
            f"[synapse]\nhost=127.0.0.1\nport={self.database_port}\nuser=synapse\ndbname=synapse\n")

    def inside(self, image, user, *command):
        if image == "synapse":
            command = ("PYTHONPATH=/data", "PGSERVICEFILE=/data/pg_service.conf", *command)
        return super().inside(image, user, *command)

    def ask(self, text, database="synapse"):
        result = self.sql(f"COPY ({text}) TO STDOUT", database)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def say_something(self):
        _, room = self.call("POST", "/_matrix/client/v3/createRoom", {}, self.token)
        path = f"/_matrix/client/v3/rooms/{room['room_id']}/send/m.room.message/{secrets.token_hex(4)}"
        self.call("PUT", path, {"msgtype": "m.text", "body": "Grüezi"}, self.token)

    def skip_history(self):
        return subprocess.run(self.inside("synapse", SYNAPSE_USER, "python3", "/data/skip_history.py", "synapse"),
                              capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def company():
    module = {"module": "plain_rooms.PlainRooms", "config": {"services": ["irc"], "guests": [BOT]}}
    with Company(settings={"modules": [module]}) as company:
        yield company


def position(company):
    return int(company.ask("SELECT stream_ordering FROM appservice_stream_position"))


def test_a_first_bridge_is_told_nothing_of_before(company):
    company.say_something()
    assert position(company) == 0, "Synapse tells nobody, and notes so"
    result = company.skip_history()
    assert result.returncode == 0, result.stderr
    assert "from now on" in result.stdout
    newest = int(company.ask("SELECT max(stream_ordering) FROM events"))
    assert position(company) == newest > 0


def test_what_was_not_told_yet_is_not_skipped(company):
    before = position(company)
    company.say_something()
    result = company.skip_history()
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert position(company) == before < int(company.ask("SELECT max(stream_ordering) FROM events"))


def test_a_new_database_has_nothing_to_skip(company):
    assert company.sql("CREATE DATABASE empty", "postgres").returncode == 0
    service = company.folder / "synapse/data/pg_service.conf"
    text = service.read_text()
    service.write_text(text.replace("dbname=synapse", "dbname=empty"))
    try:
        result = company.skip_history()
    finally:
        service.write_text(text)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def encryption_of(company, room):
    status, _ = company.call("GET", f"/_matrix/client/v3/rooms/{room}/state/m.room.encryption/", None,
                             company.token, expect=None)
    return status == 200


def test_a_room_that_is_made_with_hookshot_stays_readable(company):
    company.call("PUT", f"/_synapse/admin/v2/users/{BOT}", {"password": secrets.token_hex(8)}, company.token,
                 expect=201)
    for invited, encrypted in (([BOT], False), ([], True)):
        _, answer = company.call("POST", "/_matrix/client/v3/createRoom",
                                 {"preset": "private_chat", "invite": invited}, company.token)
        assert encryption_of(company, answer["room_id"]) == encrypted, invited
    explicit = {"preset": "private_chat", "invite": [BOT], "initial_state": [
        {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]}
    _, answer = company.call("POST", "/_matrix/client/v3/createRoom", explicit, company.token)
    assert encryption_of(company, answer["room_id"]), "somebody asked for it"


def logins(company, password, port=None):
    return subprocess.run([PROBE, "127.0.0.1", str(port or company.database_port), "bridge_whatsapp", password],
                          capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_people_who_are_logged_in_are_counted(company):
    password = secrets.token_hex(16)
    assert company.sql(f"CREATE ROLE bridge_whatsapp LOGIN PASSWORD '{password}'").returncode == 0
    assert company.sql("CREATE DATABASE bridge_whatsapp OWNER bridge_whatsapp").returncode == 0
    rules = company.folder / "postgres/data/pg/pg_hba.conf"
    rules.write_text("host all bridge_whatsapp all scram-sha-256\n" + rules.read_text())
    assert company.sql("SELECT pg_reload_conf()").returncode == 0
    assert logins(company, password) == "nobody tells", "the bridge has made no tables"
    made = company.sql("SET ROLE bridge_whatsapp; "
                       "CREATE TABLE user_login (bridge_id text, user_mxid text, id text); "
                       "INSERT INTO user_login VALUES ('', '@ann:acme.example', '1'), "
                       "('', '@ann:acme.example', '2'), ('', '@jo:acme.example', '3')", "bridge_whatsapp")
    assert made.returncode == 0, made.stderr
    assert logins(company, password) == "2"
    assert logins(company, "wrong") == "nobody tells"


def test_nobody_waits_long_for_a_database_that_hangs(company):
    holder = subprocess.Popen(company.inside(
        "postgres", POSTGRES_USER, f"{POSTGRES}/psql", "-h", "/run/sockets", "-p", str(company.database_port),
        "-U", "synapse", "-d", "bridge_whatsapp", "-c", "BEGIN; LOCK TABLE user_login; SELECT pg_sleep(30)"),
        stdout=subprocess.DEVNULL)
    try:
        company.wait_until("the table is held", lambda: company.ask(
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted "
            "AND relation = 'user_login'::regclass", "bridge_whatsapp") == "1")
        password = secrets.token_hex(16)
        assert company.sql(f"ALTER ROLE bridge_whatsapp PASSWORD '{password}'").returncode == 0
        begun = time.monotonic()
        assert logins(company, password) == "nobody tells"
        assert time.monotonic() - begun < 10
    finally:
        holder.terminate()
        holder.wait()
