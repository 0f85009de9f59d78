"""Asks a PostgreSQL server whether this homeserver can live in it, before anything starts.

Usage: check_database.py REQUEST PASSWORD-FILE FINDING-FILE

REQUEST is JSON: "connection" holds parameters of libpq without the password. With "serverName" the
server and the database are looked at as well, and the finding is final; without it, logging in is all,
and is tried again for "patience" seconds. FINDING-FILE gets {"reason", "message"}; the reason is "Ready"
when all is well, and the exit code 0 then.
"""

import json
import re
import socket
import sys
import time

import psycopg2

TIMEOUT = 10
OLDEST = 140000

# What libpq says, whatever the version; by the first that matches.
REFUSALS = (
    (
        r"password authentication failed|no password supplied|not permitted to log in",
        "DatabasePasswordRefused",
        "refuses user {user} with the password in Secret {secret}: put the right one there",
    ),
    (
        r"server does not support SSL",
        "DatabaseWithoutTls",
        "offers no TLS: switch it on there, or say sslMode: disable if the network between is yours alone",
    ),
    (
        r"certificate|SSL error|root certificate file",
        "DatabaseCertificateRefused",
        "shows a certificate that sslMode {sslmode} does not take: {said}. Give its authority in "
        "external.caBundle, and its name in external.host",
    ),
    (
        r"no pg_hba.conf entry|pg_hba.conf rejects",
        "DatabaseAccessRefused",
        "lets user {user} not into database {dbname} from here: {said}",
    ),
    (
        r"database .* does not exist",
        "DatabaseMissing",
        "has no database {dbname}: CREATE DATABASE {dbname} OWNER {user} TEMPLATE template0 ENCODING 'UTF8' "
        "LC_COLLATE 'C' LC_CTYPE 'C'",
    ),
    (
        r"permission denied for database",
        "DatabaseAccessRefused",
        "lets user {user} not into database {dbname}: GRANT CONNECT ON DATABASE {dbname} TO {user}",
    ),
    (
        r"too many (connections|clients)|connection slots",
        "DatabaseFull",
        "has no connection left: raise max_connections, the homeserver needs about ten",
    ),
    (
        r"timeout expired|starting up|shutting down|in recovery mode|could not connect|closed the connection",
        "DatabaseUnreachable",
        "does not answer: {said}",
    ),
)


class Finding(Exception):
    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


def place_of(connection):
    return f"{connection['host']}:{connection['port']}"


def first_line(error):
    """Without the part that names the address, which may change from one try to the next."""
    text = str(error).strip().split("\n")[0]
    return re.sub(r'^connection to server at "[^"]*"( \([^)]*\))?, port \d+ failed: ', "", text)[:200]


def reach(connection):
    """libpq's own words for this are translated and vary; the system's numbers do not."""
    place = place_of(connection)
    try:
        socket.create_connection((connection["host"], connection["port"]), TIMEOUT).close()
    except socket.gaierror:
        raise Finding(
            "DatabaseUnreachable", f"the name {connection['host']} cannot be resolved: check external.host"
        ) from None
    except (socket.timeout, OSError) as error:
        why = "does not answer" if isinstance(error, socket.timeout) else error.strerror or "does not answer"
        raise Finding(
            "DatabaseUnreachable",
            f"{place}: {why.lower()}. Check external.host and port, whether the server runs, and whether "
            "external.networks holds its address",
        ) from None


def password_in(path):
    with open(path, encoding="utf-8") as file:
        password = file.read().rstrip("\r\n")
    if not password or password != password.rstrip() or any(ord(letter) < 32 for letter in password):
        raise Finding("DatabasePasswordUnusable", "the password must be one line that does not end in a blank")
    return password


def connect(connection, password, secret):
    try:
        return psycopg2.connect(
            **connection,
            password=password,
            connect_timeout=TIMEOUT,
            application_name="alphorn check",
            options=f"-c statement_timeout={TIMEOUT * 1000}",
        )
    except psycopg2.OperationalError as error:
        said = first_line(error)
        words = dict(connection, said=said, secret=secret, sslmode=connection.get("sslmode", "prefer"))
        for pattern, reason, message in REFUSALS:
            if re.search(pattern, str(error)):
                raise Finding(reason, f"{place_of(connection)} " + message.format(**words)) from None
        raise Finding("DatabaseRefused", f"{place_of(connection)} refuses the connection: {said}") from None


def one(cursor, query, *values):
    cursor.execute(query, values)
    return cursor.fetchone()


def look_at_server(cursor, connection):
    number = int(one(cursor, "SHOW server_version_num")[0])
    version = one(cursor, "SHOW server_version")[0].split(" ")[0]
    if number < OLDEST:
        raise Finding(
            "DatabaseTooOld", f"{place_of(connection)} runs PostgreSQL {version}: Synapse needs 14 or newer, upgrade it"
        )
    if one(cursor, "SELECT pg_is_in_recovery()")[0] or one(cursor, "SHOW transaction_read_only")[0] == "on":
        raise Finding(
            "DatabaseReadOnly", f"{place_of(connection)} takes no writes: name the primary server in external.host"
        )
    return number, version


def look_at_locale(cursor, connection, number):
    name = connection["dbname"]
    again = (
        f"make it again: CREATE DATABASE {name} OWNER {connection['user']} TEMPLATE template0 ENCODING 'UTF8' "
        "LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    encoding = one(cursor, "SHOW server_encoding")[0]
    if encoding != "UTF8":
        raise Finding("DatabaseWrongEncoding", f"database {name} has the encoding {encoding}, not UTF8; {again}")
    query = "SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()"
    collate, ctype = one(cursor, query)
    if number >= 150000:
        # With ICU the two names say nothing.
        provider = one(cursor, "SELECT datlocprovider FROM pg_database WHERE datname = current_database()")[0]
        if provider == "i":
            collate = ctype = "ICU"
    if (collate, ctype) != ("C", "C"):
        raise Finding(
            "DatabaseWrongLocale",
            f"database {name} has COLLATE {collate} and CTYPE {ctype}, Synapse needs C for both; {again}",
        )


TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""


def look_at_content(cursor, connection, server_name):
    name, user = connection["dbname"], connection["user"]
    allowed = one(cursor, "SELECT has_schema_privilege(current_schema(), 'CREATE')")[0]
    if not allowed:
        raise Finding(
            "DatabaseNotOwned",
            f"user {user} may not make tables in database {name}: ALTER DATABASE {name} OWNER TO {user}",
        )
    cursor.execute(TABLES)
    tables = {row[0] for row in cursor.fetchall()}
    if not tables:
        return
    if not {"schema_version", "applied_schema_deltas"} <= tables:
        raise Finding(
            "DatabaseOccupied",
            f"database {name} holds something else ({sorted(tables)[0]}): give the homeserver an empty one of its own",
        )
    if "users" in tables:
        stranger = one(cursor, "SELECT name FROM users WHERE name NOT LIKE '%%:' || %s LIMIT 1", server_name)
        if stranger:
            raise Finding(
                "DatabaseOfAnotherServer",
                f"database {name} is of the homeserver {stranger[0].split(':', 1)[-1]}, not of {server_name}: "
                "name the right one in external.database",
            )


def check(request, password_file):
    connection = request["connection"]
    password = password_in(password_file)
    reach(connection)
    session = connect(connection, password, request["secret"])
    if "serverName" not in request:
        session.close()
        return "logged in"
    try:
        with session, session.cursor() as cursor:
            number, version = look_at_server(cursor, connection)
            look_at_locale(cursor, connection, number)
            look_at_content(cursor, connection, request["serverName"])
    except psycopg2.errors.InsufficientPrivilege as error:
        said = first_line(error)
        raise Finding(
            "DatabaseNotOwned",
            f"user {connection['user']} does not own what is in database {connection['dbname']}: {said}",
        ) from None
    except psycopg2.Error as error:
        raise Finding("DatabaseRefused", f"{place_of(connection)}: {first_line(error)}") from None
    finally:
        session.close()
    return f"PostgreSQL {version}"


def main(request, password_file, finding_file):
    request = json.loads(request)
    deadline = time.monotonic() + request.get("patience", 0)
    while True:
        try:
            finding = {"reason": "Ready", "message": check(request, password_file)}
        except Finding as found:
            finding = {"reason": found.reason, "message": str(found)}
        if finding["reason"] == "Ready" or time.monotonic() >= deadline:
            break
        time.sleep(1)
    text = json.dumps(finding)
    print(text, flush=True)
    with open(finding_file, "w", encoding="utf-8") as file:
        file.write(text[:4000])
    return 0 if finding["reason"] == "Ready" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
