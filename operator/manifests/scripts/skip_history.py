"""Lets application services begin with what is said from now on.

Usage: skip_history.py SERVICE

SERVICE is that of libpq's service file. Synapse notes in one row how far it has told all application services
together; while it has none the row stays at 0, and the first one would be told everything that was ever said.
What else the row says is so, and stays.
"""

import sys

import psycopg2

SKIP = """
    UPDATE appservice_stream_position SET stream_ordering = said.newest
    FROM (SELECT max(stream_ordering) AS newest FROM events) AS said
    WHERE appservice_stream_position.stream_ordering = 0 AND said.newest > 0
"""


def main(service):
    connection = psycopg2.connect(service=service, connect_timeout=30)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('appservice_stream_position')")
        if cursor.fetchone()[0] is None:
            return  # a new database, where nothing was said
        cursor.execute(SKIP)
        if cursor.rowcount:
            print("application services begin with what is said from now on", flush=True)
    connection.close()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except psycopg2.OperationalError as error:
        sys.exit(f"the database cannot be asked: {error}")
