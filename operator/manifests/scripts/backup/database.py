"""One PostgreSQL database: its counts and its dump in one snapshot, and how it is filled again.

Logins are libpq's own service files, so that no password is an argument.
"""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import time

import psycopg2

from outcome import Failure, log, spawn, stop

TIMEOUT = 20
# Of the pod.
MEMORY = "/tmp"
PIPE_SIZE = 1 << 20
BETWEEN_TRIES = 2
MARK = "alphorn_restore"
# The advisory lock of who fills a database; any number that nobody else uses.
LOCK = 4702387461
ONE_TIME_KEYS = "e2e_one_time_keys_json"
COUNTS = {
    "users": "SELECT count(*) FROM users",
    "rooms": "SELECT count(*) FROM rooms",
    "events": "SELECT count(*) FROM events",
    "localMedia": "SELECT count(*) FROM local_media_repository WHERE url_cache IS NULL",
}
TABLES = f"""
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND n.nspname <> '{MARK}'
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 LIMIT 1
"""
REFUSED = r"password authentication failed|no password|pg_hba|not permitted|permission denied|role .* does not exist"


def first_line(said):
    lines = [line for line in str(said).strip().splitlines() if line.strip()]
    return lines[0][:300] if lines else "it said nothing"


def wide_pipe():
    """Both of its ends run better when each may get ahead of the other."""
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    return reading, writing


def service_file(name, connection, password_file):
    """A service file made of a connection and the file with its password; in memory, as that is."""
    with open(password_file, encoding="utf-8") as file:
        parameters = connection | {"password": file.read().rstrip("\r\n")}
    path = os.path.join(MEMORY, f"service-{name}.conf")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in parameters.items()))
    return path


class Database:
    """`settings`: name, isHomeserver, and serviceFile and service, or connection and passwordFile."""

    def __init__(self, settings):
        self.name, self.is_homeserver = settings["name"], settings.get("isHomeserver", False)
        self._file, self._service = settings.get("serviceFile"), settings.get("service", self.name)
        if not self._file:
            self._file = service_file(self.name, settings["connection"], settings["passwordFile"])

    def environment(self):
        return dict(os.environ, PGSERVICEFILE=self._file, PGCONNECT_TIMEOUT=str(TIMEOUT))

    def _refusal(self, said):
        if re.search(REFUSED, said):
            return Failure("DatabaseRefused", f"database {self.name} refuses the login: {first_line(said)}", True)
        if re.search(r"database .* does not exist", said):
            return Failure("DatabaseRefused", f"there is no database {self.name}: make it, with the locale C", True)
        return Failure("DatabaseUnreachable", f"database {self.name} does not answer: {first_line(said)}")

    def _connect(self):
        os.environ["PGSERVICEFILE"] = self._file
        try:
            return psycopg2.connect(
                f"service={self._service}",
                connect_timeout=TIMEOUT,
                application_name="alphorn backup",
                # A snapshot is held for as long as the dump takes.
                options="-c idle_in_transaction_session_timeout=0 -c statement_timeout=0 -c lock_timeout=600s",
            )
        except psycopg2.Error as error:
            raise self._refusal(str(error)) from None

    def connected(self, seconds):
        """A server that is just starting is waited for; one that refuses is not."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._connect()
            except Failure as failure:
                if failure.futile or time.monotonic() >= deadline:
                    raise
            time.sleep(BETWEEN_TRIES)

    @contextlib.contextmanager
    def session(self, wait=0, **options):
        connection = self.connected(wait)
        try:
            connection.set_session(**options)
            yield connection.cursor()
        except psycopg2.errors.DiskFull as error:
            raise Failure("NoSpace", f"the server of database {self.name} has no room: give it more "
                          f"({first_line(error)})", True) from None
        except (psycopg2.OperationalError, psycopg2.errors.InsufficientPrivilege) as error:
            raise self._refusal(str(error)) from None
        finally:
            with contextlib.suppress(psycopg2.Error):
                connection.close()

    def dump(self, repository, snapshot, tags, host):
        """Streams a dump into the repository: the summary of restic. A dump that fails leaves nothing that counts:
        restic is ended before its input does."""
        # Already compressed bytes would be new ones every night.
        command = ["pg_dump", "--format=custom", "--compress=0", "--no-password", f"--snapshot={snapshot}",
                   f"--dbname=service={self._service}", "--lock-wait-timeout=600s",
                   f"--exclude-schema={MARK}"]
        if self.is_homeserver:
            command.append(f"--exclude-table-data=*.{ONE_TIME_KEYS}")
        reading, writing = wide_pipe()
        try:
            storing = repository.start_backup(
                ["--stdin", "--stdin-filename", f"{self.name}.dump"], tags, host, stdin=reading
            )
            dumping = spawn(command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=writing,
                            stderr=subprocess.PIPE)
            os.close(reading)
            reading = None
            said = dumping.stderr.read().decode(errors="replace")
            if dumping.wait() != 0:
                # A pipe that broke is restic's failure, not the dump's.
                if dumping.returncode == -signal.SIGPIPE or "roken pipe" in said or storing.child.poll() is not None:
                    storing.child.wait()
                    raise storing.failure()
                stop(storing.child)
                raise self._dump_failure(said)
        finally:
            if reading is not None:
                os.close(reading)
            os.close(writing)
        return storing.summary()

    def _dump_failure(self, said):
        text = next((line for line in said.splitlines() if "error:" in line), first_line(said))
        futile = "version mismatch" in text or "permission denied" in text
        return Failure("DumpFailed", f"database {self.name} cannot be dumped: {text[:300]}", futile)

    # From here on: being filled.

    def look(self, cursor, restored):
        """Whether it is filled already by the restore `restored`. Raises unless it is that, or empty and fit."""
        cursor.execute("SHOW server_encoding")
        encoding = cursor.fetchone()[0]
        cursor.execute("SELECT datcollate, datctype, current_setting('server_version_num')::int >= 150000 "
                       "FROM pg_database WHERE datname = current_database()")
        collate, ctype, has_providers = cursor.fetchone()
        if has_providers:
            cursor.execute("SELECT datlocprovider::text FROM pg_database WHERE datname = current_database()")
            collate = "ICU" if cursor.fetchone()[0] == "i" else collate
        # A bridge lives in any locale; Synapse in this one.
        if encoding != "UTF8" or self.is_homeserver and (collate, ctype) != ("C", "C"):
            raise Failure(
                "WrongLocale",
                f"database {self.name} has encoding {encoding}, COLLATE {collate} and CTYPE {ctype}: make it again "
                "with TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
                True,
            )
        mark = self._mark(cursor)
        cursor.execute(TABLES)
        table = cursor.fetchone()
        if mark not in (None, restored) or (table and mark is None):
            what = f"set {mark} is being filled into it" if mark else f"it holds {table[0]}"
            raise Failure("TargetNotEmpty", f"database {self.name} is not empty ({what}): give an empty one", True)
        return table is not None

    def _mark(self, cursor):
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{MARK}.filled_by",))
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(f"SELECT restored FROM {MARK}.filled_by")
        row = cursor.fetchone()
        return row[0] if row else None

    def mark(self, cursor, restored):
        """Before it is filled, which happens in one transaction: with the mark and any table, it is whole."""
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {MARK}")
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {MARK}.filled_by (restored text NOT NULL)")
        cursor.execute(f"INSERT INTO {MARK}.filled_by SELECT %s WHERE NOT EXISTS (SELECT FROM {MARK}.filled_by)",
                       (restored,))

    def unmark(self, cursor):
        cursor.execute(f"DROP SCHEMA IF EXISTS {MARK} CASCADE")

    def fill(self, repository, snapshot):
        """The dump of that snapshot, in one transaction."""
        command = ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
                   "--no-password", f"--dbname=service={self._service}"]
        reading, writing = wide_pipe()
        fetching = repository.start("dump", snapshot, f"/{self.name}.dump", stdout=writing)
        filling = spawn(command, env=self.environment(), stdin=reading, stdout=subprocess.DEVNULL,
                        stderr=subprocess.PIPE)
        os.close(reading)
        os.close(writing)
        said = filling.stderr.read().decode(errors="replace")
        filled = filling.wait() == 0
        fetched = fetching.child.wait()
        # Whoever has lost its reader is not the one that failed.
        if fetched not in (0, -signal.SIGPIPE) and "broken pipe" not in "\n".join(fetching.said):
            raise fetching.failure()
        if not filled:
            raise self._fill_failure(said)
        log("filled a database", database=self.name)

    def _fill_failure(self, said):
        lines = [line for line in said.splitlines() if "error:" in line or "ERROR" in line]
        text = lines[0][:300] if lines else first_line(said)
        if "No space left on device" in said or "disk full" in said.lower():
            return Failure("NoSpace", f"the server of database {self.name} has no room: give it more ({text})", True)
        if re.search(r"could not connect|connection to server|terminating connection|closed the connection", said):
            return Failure("DatabaseUnreachable", f"database {self.name} went away: {text}")
        return Failure("RestoreFailed", f"database {self.name} does not take the dump: {text}", True)


def counts(cursor):
    """What the homeserver's database holds, as this session sees it."""
    found = {}
    for name, query in COUNTS.items():
        cursor.execute(query)
        found[name] = cursor.fetchone()[0]
    return found


def schema(cursor):
    cursor.execute("SELECT version FROM schema_version")
    version = cursor.fetchone()
    cursor.execute("SELECT compat_version FROM schema_compat_version")
    compatible = cursor.fetchone()
    if not version:
        raise Failure("DumpFailed", "the homeserver has not made its tables yet: it is tried again later")
    return {"version": version[0], "compatVersion": compatible[0] if compatible else None}
