"""Requests and handshakes below what a polite client library would send."""

import http.client
import socket
import ssl
import urllib.parse

PATIENCE = 60


def trusting(ca_file):
    return ssl.create_default_context(cafile=ca_file)


def exactly(address, ca_file, method, target, headers=None, body=None):
    """(status, text) of a request whose target goes over the wire byte for byte as given, without
    the tidying of dots, slashes and percent signs that clients do."""
    place = urllib.parse.urlsplit(address)
    connection = http.client.HTTPSConnection(place.hostname, place.port or 443, timeout=PATIENCE,
                                             context=trusting(ca_file))
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": place.netloc, **(headers or {})}.items():
            connection.putheader(name, value)
        data = (body or "").encode()
        if data:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data or None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (ConnectionError, http.client.BadStatusLine):
        return 0, "the connection was closed without an answer"
    finally:
        connection.close()


def handshake(address, context, server_name=None):
    """(protocol, peer certificate) of a TLS handshake; raises ssl.SSLError when it is refused."""
    place = urllib.parse.urlsplit(address)
    with socket.create_connection((place.hostname, place.port or 443), timeout=PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname=server_name or place.hostname) as tls:
            return tls.version(), tls.getpeercert()


def only(ca_file, version):
    """A client that speaks exactly one version of TLS, even one that this machine frowns upon."""
    context = trusting(ca_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = version
    context.minimum_version = version
    return context
