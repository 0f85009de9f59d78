"""The ways in: a load balancer, an Ingress and a Gateway, each with a real proxy and real TLS."""

import base64
import secrets
import socket
import ssl
import subprocess

import pytest
import requests

from support import kubectl as k
from support import matrix
from support.waiting import Stopwatch, figure, wait_until

BALANCER = "10.250.0.9"  # an address on the node's network that nobody has
NODE = "10.250.0.1"
PODS = "10.244.0.0/16"
NODE_TO_PODS = "10.244.0.1"  # as which pods see what comes from the node itself
GATEWAY = {"name": "contour", "namespace": "projectcontour"}
# Longer than the quarter of a minute that Envoy waits for an answer when nobody asks for more.
LONG_POLL = 20
UNTIL_REACHED = 60
UNTIL_UP = 1200
MOVED = 301
VERSIONS = "/_matrix/client/versions"


@pytest.fixture(scope="module", autouse=True)
def proxy():
    """Contour and Envoy, as ./dev up offers them; they stay until ./dev down."""
    watch = Stopwatch()
    k.dev("up", "--no-tenant", "--with", "ingress", timeout=UNTIL_UP)
    figure("./dev up --with ingress", f"{watch.seconds:.0f} s")
    yield
    k.delete("gateway", GATEWAY["name"], GATEWAY["namespace"])
    k.delete("secret", "people", GATEWAY["namespace"])


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("doors")


@pytest.fixture(scope="module")
def host(company):
    return f"matrix.{company.name}.{company.namespace}.example"


@pytest.fixture(scope="module")
def memory():
    return {}


def exposure(**fields):
    """A patch that leaves nothing of the way in before."""
    nothing = dict.fromkeys(("className", "annotations", "nodePort", "parentRef", "tlsMode",
                             "trustedProxies"))
    return {"exposure": {**nothing, **fields}}


def reached(address, ca_file):
    """Asserts that the company answers there; a proxy may need a moment to hear of it."""
    try:
        answer = matrix.Client(address, ca_file).send("GET", VERSIONS)
    except requests.ConnectionError as error:
        raise AssertionError(f"{address} is not reached: {error}") from None
    assert answer.status_code == 200, f"{address} answers {answer.status_code}"


def wait_for_news(person):
    since = person.sync(timeout=0)["next_batch"]
    for _ in range(5):  # something of before may still have been on its way
        watch = Stopwatch()
        since = person.sync(timeout=LONG_POLL * 1000, since=since)["next_batch"]
        if watch.seconds > LONG_POLL - 1:
            return
    raise AssertionError(f"was answered after {watch.seconds:.0f} s")


def addresses_of(person):
    """Where Synapse believes this story's requests come from; the operator logs in as well."""
    answer = person.call("GET", f"/_matrix/client/v3/admin/whois/{person.user}")
    return {entry["ip"] for device in answer["devices"].values()
            for session in device["sessions"] for entry in session["connections"]
            if entry["user_agent"].startswith("python-requests")}


def test_a_load_balancer_that_nobody_makes_is_named(company):
    company.found(exposure={"mode": "loadBalancer", "className": "nobody.example/balancers"})
    company.wait_for("GatewayReady", "True")
    said = company.wait_for("ExposureReady", "False", "LoadBalancerPending")
    assert "no controller" in said["message"], f"gives no hint: {said['message']}"
    company.expect("Ready", "False")


def test_with_an_address_people_come_in_through_it(company, host):
    """The cluster has nobody who hands out addresses, so the test does; kube-proxy does the rest."""
    k.kubectl("patch", "service", f"{company.name}-gateway", "-n", company.namespace,
              "--subresource=status", "--type=merge",
              "-p", '{"status": {"loadBalancer": {"ingress": [{"ip": "%s"}]}}}' % BALANCER)
    company.wait_ready()
    assert company.status()["endpoints"] == [BALANCER]
    contact = company.contact()

    def answers():
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", "20", "--noproxy", "*",
             "--cacert", contact["caFile"], "--resolve", f"{host}:443:{BALANCER}",
             f"https://{host}{VERSIONS}"],
            capture_output=True, text=True, check=False)
        assert '"versions"' in done.stdout, f"curl says: {done.stdout}{done.stderr}"
    wait_until("the load balancer's address answers", answers, UNTIL_REACHED)


def test_a_class_that_is_missing_is_named(company):
    company.change(**exposure(mode="ingress", className="trafik"))
    said = company.wait_for("ExposureReady", "False", "IngressClassMissing", limit=30)
    assert '"trafik"' in said["message"]


def test_an_ingress_of_the_default_class_is_served(company, memory):
    watch = Stopwatch()
    company.change(**exposure(mode="ingress", trustedProxies=[PODS], annotations={
        "projectcontour.io/response-timeout": "15m"}))
    company.wait_ready()
    figure("from a missing class to an Ingress that is served", f"{watch.seconds:.0f} s")
    assert company.status()["endpoints"] == [NODE]
    contact = company.contact()
    wait_until("the Ingress answers", lambda: reached(contact["address"], contact["caFile"]),
               UNTIL_REACHED)
    memory["person"] = matrix.administrator_of(company)
    memory["room"] = memory["person"].create_room(name="Doors", preset="private_chat")


def test_messages_and_pictures_pass(memory):
    person = memory["person"]
    event = person.send_event(memory["room"], "m.room.message", secrets.token_hex(8),
                              {"msgtype": "m.text", "body": "through the Ingress"})
    memory["event"] = event
    picture = secrets.token_bytes(8_000_000)
    answer = person.download(person.upload(picture, "image/png"))
    assert answer.status_code == 200 and answer.content == picture


def test_who_waits_long_for_news_is_not_cut_off(memory):
    wait_for_news(memory["person"])


def test_without_tls_people_are_sent_to_https(host):
    answer = matrix.Client(f"http://{host}", None).send("GET", VERSIONS)
    assert answer.status_code == MOVED, f"answers {answer.status_code}"
    assert answer.headers["Location"] == f"https://{host}{VERSIONS}"


def test_limits_count_the_client_and_not_the_proxy_or_a_lie(memory):
    person = memory["person"]
    answer = person.send("GET", "/_matrix/client/v3/account/whoami",
                         headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.ok, f"whoami answers {answer.status_code}"
    wait_until("Synapse has written down who came",
               lambda: assert_only(addresses_of(person), {NODE_TO_PODS}), UNTIL_REACHED)


def assert_only(found, expected):
    assert found == expected, f"Synapse saw {sorted(found)}, not {sorted(expected)}"


def test_what_is_for_the_inside_stays_inside(company):
    contact = company.contact()
    anybody = matrix.Client(contact["address"], contact["caFile"])
    for path in ("/_synapse/admin/v1/server_version", "/_synapse/metrics", "/metrics"):
        answer = anybody.send("GET", path)
        assert answer.status_code in (403, 404), f"{path} answers {answer.status_code}"


def test_a_gateway_that_is_missing_is_named(company):
    company.change(**exposure(mode="gateway", parentRef=GATEWAY, trustedProxies=[PODS]))
    said = company.wait_for("ExposureReady", "False", "RoutePending", limit=30)
    assert "projectcontour/contour" in said["message"]


def self_signed(host, folder):
    """(certificate, key) files for a host: what the cluster's administrator brings."""
    certificate, key = folder / "people.crt", folder / "people.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def listener(name, protocol, tls):
    """What the cluster's administrator makes of the Gateway; one port is one sort of listener."""
    return {"spec": {"gatewayClassName": "contour", "listeners": [
        {"name": name, "protocol": protocol, "port": 443, "tls": tls,
         "allowedRoutes": {"namespaces": {"from": "All"}}}]}}


ENDS_TLS = listener("people", "HTTPS",
                    {"mode": "Terminate", "certificateRefs": [{"name": "people"}]})
PASSES_TLS = listener("through", "TLS", {"mode": "Passthrough"})


def test_the_administrators_gateway_is_served(company, host, memory, tmp_path):
    certificate, key = self_signed(host, tmp_path)
    encoded = {name: base64.b64encode(file.read_bytes()).decode()
               for name, file in (("tls.crt", certificate), ("tls.key", key))}
    k.create({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": encoded,
              "metadata": {"name": "people", "namespace": GATEWAY["namespace"]}})
    k.create({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": GATEWAY,
              **ENDS_TLS})
    memory["administrators certificate"] = str(certificate)
    company.wait_ready()
    address = company.status()["address"]
    assert address == f"https://{host}"
    wait_until("the Gateway answers", lambda: reached(address, str(certificate)), UNTIL_REACHED)
    person = matrix.Client(address, str(certificate))
    person.token = memory["person"].token
    path = f"/_matrix/client/v3/rooms/{memory['room']}/event/{memory['event']}"
    assert person.call("GET", path)["content"]["body"] == "through the Ingress"
    wait_for_news(person)


def test_the_ingress_is_gone(company):
    def gone():
        found = k.get("ingress", f"{company.name}-gateway", company.namespace)
        assert not found, "the Ingress of the way in before is still there"
    wait_until("the Ingress is gone", gone, UNTIL_REACHED)


def test_a_listener_that_ends_tls_is_no_way_through(company, memory):
    memory["through"] = Stopwatch()
    company.change(**exposure(mode="gateway", tlsMode="passthrough", parentRef=GATEWAY))
    said = company.wait_for("ExposureReady", "False", "RouteRefused", limit=30)
    assert "projectcontour/contour" in said["message"], said["message"]


def shown_at(host):
    """The certificate that the proxy's port shows to who asks for this host."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((NODE, 443), timeout=30) as plain, \
            anybody.wrap_socket(plain, server_hostname=host) as connection:
        return connection.getpeercert(binary_form=True)


def leaf_of(company):
    text = company.secret("gateway-tls")["tls.crt"].decode()
    return ssl.PEM_cert_to_DER_cert(text[:text.index("-----END")] + "-----END CERTIFICATE-----\n")


def proxy_pods():
    pods = k.listed("pods", GATEWAY["namespace"], "app=envoy")
    return {pod["status"]["podIP"] for pod in pods}


def test_tls_passes_through_to_the_companys_own_certificate(company, host, memory):
    """It heals without a hand once the administrator offers a listener for it."""
    k.patch("gateway", GATEWAY["name"], GATEWAY["namespace"], PASSES_TLS)
    company.wait_ready()
    contact = company.contact()
    assert contact["address"] == f"https://{host}"
    wait_until("the company answers through the proxy",
               lambda: reached(contact["address"], contact["caFile"]), UNTIL_REACHED)
    assert shown_at(host) == leaf_of(company), "people do not see the company's certificate"
    stranger = matrix.Client(contact["address"], memory["administrators certificate"])
    with pytest.raises(requests.exceptions.SSLError):
        stranger.send("GET", VERSIONS)
    person = matrix.administrator_of(company)
    path = f"/_matrix/client/v3/rooms/{memory['room']}/event/{memory['event']}"
    assert person.call("GET", path)["content"]["body"] == "through the Ingress"
    memory["insider"] = person


def test_who_waits_long_is_not_cut_off_there_either(memory):
    wait_for_news(memory["insider"])


def test_who_passes_through_has_the_proxys_address(memory):
    """As docs/exposure.md warns."""
    def written_down():
        found = addresses_of(memory["insider"])
        assert found & proxy_pods(), f"Synapse saw {sorted(found)}, none of them a proxy"
    wait_until("Synapse has written down who came", written_down, UNTIL_REACHED)


def routes_of(company):
    return {item["kind"] for item in k.listed("httproutes,tlsroutes", company.namespace)}


def only(kind, company):
    found = routes_of(company)
    assert found == {kind}, f"the routes are {sorted(found)}"


def test_the_route_before_is_gone_and_comes_back(company, host, memory):
    wait_until("one route is there", lambda: only("TLSRoute", company), UNTIL_REACHED)
    k.patch("gateway", GATEWAY["name"], GATEWAY["namespace"], ENDS_TLS)
    company.change(**exposure(mode="gateway", tlsMode="terminate", parentRef=GATEWAY,
                              trustedProxies=[PODS]))
    company.wait_ready()
    certificate = memory["administrators certificate"]
    wait_until("the Gateway answers again", lambda: reached(f"https://{host}", certificate),
               UNTIL_REACHED)
    wait_until("one route is there", lambda: only("HTTPRoute", company), UNTIL_REACHED)
    figure("TLS passed through, and ended again", f"{memory['through'].seconds:.0f} s")


def test_back_to_a_port_of_the_node(company):
    company.change(**exposure(mode="nodePort"))
    company.wait_ready()
    contact = company.contact()
    assert contact["address"].count(":") == 2, f"{contact['address']} has no port"
    wait_until("the node's port answers", lambda: reached(contact["address"], contact["caFile"]),
               UNTIL_REACHED)
    assert not routes_of(company)
    assert "endpoints" not in company.status()
