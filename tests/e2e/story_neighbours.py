"""A machine on the same network, with a route to everything behind this one, reaches nothing."""

import socket

import pytest

from support import kubectl as k
from support.neighbour import OURS, Neighbour


@pytest.fixture(scope="module")
def neighbour():
    with Neighbour() as made:
        yield made


def test_the_neighbour_reaches_what_this_machine_offers(neighbour):
    """So the silence below is the playground's doing, not a cable that does not work."""
    with socket.create_server((OURS, 0)) as offered:
        assert neighbour.reaches(*offered.getsockname())


def addresses():
    """(what, address, port) of everything that could be reached; here all of it answers."""
    node = k.get("node", "node1")["status"]["addresses"][0]["address"]
    service = k.get("service", "acme-gateway", "acme")
    port = service["spec"]["ports"][0]
    pods = k.listed("pods", "acme", "app.kubernetes.io/component=gateway")
    return [("the API server", node, 6443), ("the kubelet", node, 10250),
            ("the gateway's NodePort", node, port["nodePort"]),
            ("the gateway's Service", service["spec"]["clusterIP"], port["port"]),
            ("the gateway's pod", pods[0]["status"]["podIP"],
             pods[0]["spec"]["containers"][0]["ports"][0]["containerPort"]),
            ("the API server's Service", "10.96.0.1", 443)]


def test_and_nothing_of_the_cluster(neighbour, acme):
    acme.wait_ready()
    for what, address, port in addresses():
        with socket.create_connection((address, port), timeout=60):
            pass
        assert not neighbour.reaches(address, port), f"{what} at {address}:{port} is reachable"
