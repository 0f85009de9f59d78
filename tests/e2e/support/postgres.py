"""A database's own account of itself."""

from support import kubectl as k


def psql(namespace, pod, statements, container="postgres"):
    """What the superuser is told through the socket that only the pod has."""
    return k.kubectl("exec", "-i", "-n", namespace, pod, "-c", container, "--", "psql",
                     "--no-psqlrc", "-h", "/run/postgresql", "-U", "postgres", "-At",
                     "-v", "ON_ERROR_STOP=1", stdin=statements)
