"""Waits until a bridge can log in to its database.

Usage: await_database.py HOST ROLE PASSWORD-FILE

ROLE is also the name of the database. The role is made, and let in, once the database's pod was brought
the new login, which takes the kubelet a minute or two.
"""

import sys
import time

import psycopg2

TIMEOUT = 10
PAUSE = 2


def main(host, role, password_file):
    with open(password_file, encoding="utf-8") as file:
        password = file.read().strip()
    said = ""
    while True:
        try:
            psycopg2.connect(host=host, dbname=role, user=role, password=password, connect_timeout=TIMEOUT).close()
            return
        except psycopg2.OperationalError as error:
            lines = str(error).strip().splitlines()
            problem = lines[-1] if lines else type(error).__name__
            if problem != said:
                print(f"waits for database {role}: {problem}", flush=True)
                said = problem
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
