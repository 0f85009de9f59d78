"""A company of 500 is brought to its server, and everybody sees what is theirs."""

import time

import pytest
from conftest import side_by_side

EMPLOYEES, DEPARTMENTS, GUESTS = 500, 10, 5


def department(number):
    return f"Department {number % DEPARTMENTS}"


def staff():
    lines = ["Vorname;Nachname;E-Mail;Abteilung;Sprache"]
    for number in range(EMPLOYEES):
        lines.append(f"Jürg{number};Müller;p{number}@acme.example;{department(number)};"
                     f"{('de', 'fr', 'it', 'en')[number % 4]}")
    return "\n".join(lines) + "\n"


def spaces():
    """20 spaces, three deep, and 60 rooms; half of the departments have a laboratory."""
    tree = []
    for number in range(DEPARTMENTS):
        key = f"d{number}"
        # One for the whole department, four for a few: a join is two events, and a server of one
        # process takes some fifty a second.
        few = [f"juerg{member}.mueller" for member in range(number, EMPLOYEES, 50)][:5]
        rooms = [{"key": f"{key}-r{room}", "name": f"Room {room} of {key}",
                  **({"members": few} if room else {})} for room in range(5)]
        inner = [] if number >= 8 else [{
            "key": f"{key}-lab", "name": f"Laboratory {number}", "members": [f"juerg{number}.mueller"],
            "rooms": [{"key": f"{key}-lab-notes", "name": "Notes"}]}]
        tree.append({"key": key, "name": department(number), "members": [key],
                     "administrators": [f"juerg{number}.mueller"], "rooms": rooms, "spaces": inner})
    return [{"key": "acme", "name": "Acme", "administrators": ["juerg0.mueller"],
             "rooms": [{"key": "news", "name": "News"}], "spaces": tree},
            {"key": "supplier", "name": "Supplier", "reserved": True,
             "administrators": ["juerg1.mueller"], "members": [f"guest{n}" for n in range(GUESTS)],
             "rooms": [{"key": "orders", "name": "Orders"}]}]


def the_company():
    return {"employees": {"csv": "staff.csv", "localpart": "{firstName}.{lastName}"},
            "groups": [{"name": f"d{n}", "where": {"department": department(n)}}
                       for n in range(DEPARTMENTS)],
            "spaces": spaces(),
            "guests": [{"localpart": f"guest{n}", "displayName": f"Guest {n}"}
                       for n in range(GUESTS)]}


@pytest.fixture(scope="module")
def company(office):
    (office.folder / "staff.csv").write_bytes(staff().encode("latin-1"))
    office.write(the_company())
    return office


@pytest.fixture(scope="module")
def tokens(company):
    passwords = company.passwords()
    people = sorted(passwords)
    found = side_by_side(lambda who: company.server.log_in(who, passwords[who]), people)
    return dict(zip(people, found))


def test_a_plan_changes_nothing(company):
    company.run("plan", code=2)
    users = company.server.call("GET", "/_synapse/admin/v3/users?guests=false",
                                token=company.server.token)[1]
    assert users["total"] == 1


def test_it_is_applied(company):
    begun = time.monotonic()
    report = company.apply()
    print(f"figure: 500 people, 20 spaces, 60 rooms: {time.monotonic() - begun:.0f} s, "
          f"{report['requests']} requests")
    assert report["result"] == "done", report
    assert report["done"]["createAccount"] == EMPLOYEES + GUESTS
    assert report["done"]["createSpace"] == 20
    assert report["done"]["createRoom"] == 60


def test_it_verifies(company):
    company.run("verify")


def test_a_second_run_writes_nothing(company):
    begun = time.monotonic()
    report = company.apply()
    took = time.monotonic() - begun
    print(f"figure: second run: {took:.2f} s, {report['requests']} requests")
    assert report["writes"] == 0
    # So few that it is quick: not one for each person.
    assert report["requests"] < EMPLOYEES / 2


def test_everybody_logs_in_with_the_password_of_the_sheet(tokens):
    assert len(tokens) == EMPLOYEES + GUESTS
    assert not [who for who, token in tokens.items() if token is None]


def test_employees_see_their_spaces_and_not_the_guests(company, tokens):
    top, guests = company.id_of("acme"), company.id_of("supplier")
    ids = {n: company.id_of(f"d{n}") for n in range(DEPARTMENTS)}

    def look(number):
        token = tokens[f"juerg{number}.mueller"]
        mine = company.rooms(token)
        tree = company.server.call("GET", f"/_matrix/client/v1/rooms/{top}/hierarchy?limit=100",
                                   token=token)[1]["rooms"]
        seen = {room["room_id"] for room in tree}
        return (top in mine and ids[number % DEPARTMENTS] in mine and
                (guests in mine) == (number == 1) and guests not in seen)
    strange = [number for number, well in
               zip(range(EMPLOYEES), side_by_side(look, range(EMPLOYEES))) if not well]
    assert not strange


def test_a_stranger_to_the_guests_tree_is_told_nothing_of_it(company, tokens):
    guests = company.id_of("supplier")
    status, _ = company.server.call("GET", f"/_matrix/client/v1/rooms/{guests}/hierarchy",
                                    token=tokens["juerg7.mueller"], expect=None)
    assert status == 403
    status, listed = company.server.call("GET", "/_matrix/client/v3/publicRooms",
                                         token=tokens["juerg7.mueller"])
    assert not listed["chunk"]


def test_a_guest_sees_only_what_is_reserved(company, tokens):
    wanted = {company.id_of("supplier"), company.id_of("orders")}
    top = company.id_of("acme")
    for number in range(GUESTS):
        token = tokens[f"guest{number}"]
        assert company.rooms(token) == wanted
        status, _ = company.server.call("GET", f"/_matrix/client/v1/rooms/{top}/hierarchy",
                                        token=token, expect=None)
        assert status == 403


def test_every_room_is_encrypted(company):
    listed = company.server.call("GET", "/_synapse/admin/v1/rooms?limit=200",
                                 token=company.server.token)[1]["rooms"]
    rooms = [room for room in listed if room["room_type"] != "m.space"
             and not room["canonical_alias"].startswith("#alphorn-")]
    assert len(rooms) == 60
    assert not [room["name"] for room in rooms if room["encryption"] != "m.megolm.v1.aes-sha2"]


def test_who_is_logged_in_stays_so_through_ten_runs(company, tokens):
    for number in range(10):
        spec = the_company()
        spec["spaces"][0]["topic"] = f"Run {number}"
        company.write(spec)
        company.apply()
    for who in ("juerg0.mueller", "juerg499.mueller", "guest0"):
        assert company.server.call("GET", "/_matrix/client/v3/account/whoami",
                                   token=tokens[who])[0] == 200


def test_passwords_are_in_the_sealed_parts_and_nowhere_else(company):
    passwords = [value.encode() for value in company.passwords().values()]
    files = [path for path in [*company.state.iterdir(), company.document] if path.is_file()]
    texts = [path.read_bytes() for path in files] + [said.encode() for said in company.said]
    assert len(passwords) == EMPLOYEES + GUESTS
    for password in passwords:
        assert not [text[:80] for text in texts if password in text]


def test_no_exemption_is_left(company):
    bot = f"%40alphorn%3A{company.server.server_name}"
    assert company.server.call("GET", f"/_synapse/admin/v1/users/{bot}/override_ratelimit",
                               token=company.server.token)[1] == {}
