"""Asks an S3 server whether it lets us into the bucket, before restic tries for a quarter of an hour.

The request is signed by AWS Signature Version 4, as Amazon documents it.
"""

import datetime
import hashlib
import hmac
import http.client
import socket
import ssl
import urllib.parse
import xml.etree.ElementTree

from outcome import Failure

TIMEOUT = 20
REFUSALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "AllAccessDisabled", "Forbidden"}


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _signed(host, path, query, region, key_id, secret):
    moment = datetime.datetime.now(datetime.timezone.utc)
    day, stamp = moment.strftime("%Y%m%d"), moment.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": _hash(""), "x-amz-date": stamp}
    named = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    scope = f"{day}/{region}/s3/aws4_request"
    request = "\n".join(["GET", path, query, lines, named, _hash("")])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, _hash(request)])
    key = ("AWS4" + secret).encode()
    for part in (day, region, "s3", "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={named}, Signature={key.hex()}"
    )
    return headers


def _asked(address, headers, target, ca):
    if address.scheme == "https":
        connection = http.client.HTTPSConnection(
            address.netloc, timeout=TIMEOUT, context=ssl.create_default_context(cafile=ca)
        )
    else:
        connection = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT)
    try:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(65536)
    except ssl.SSLCertVerificationError as error:
        raise Failure(
            "RepositoryUnreachable",
            f"{address.netloc} shows a certificate that is not trusted ({error.verify_message}): give its authority",
        ) from None
    except socket.gaierror:
        raise Failure(
            "RepositoryUnreachable", f"the name {address.hostname} cannot be resolved: check the endpoint"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise Failure(
            "RepositoryUnreachable", f"{address.netloc} does not answer ({said}): check the endpoint and the network"
        ) from None
    finally:
        connection.close()


def _code_in(body):
    try:
        found = [entry.text for entry in xml.etree.ElementTree.fromstring(body).iter() if entry.tag.endswith("Code")]
    except xml.etree.ElementTree.ParseError:
        found = []
    return found[0] if found else ""


def ask(url, region, key_id, secret, ca):
    """`url` as restic takes it: s3:https://HOST:PORT/BUCKET/PREFIX. Raises what is wrong, as far as one can see it."""
    address = urllib.parse.urlsplit(url.removeprefix("s3:"))
    bucket, _, prefix = address.path.lstrip("/").partition("/")
    path = "/" + urllib.parse.quote(bucket)
    # Who may see a prefix alone is refused a list of everything.
    asked = {"list-type": "2", "max-keys": "1", "prefix": prefix.strip("/") + "/" if prefix.strip("/") else ""}
    query = urllib.parse.urlencode(sorted(asked.items()), quote_via=urllib.parse.quote, safe="")
    headers = _signed(address.netloc, path, query, region or "us-east-1", key_id, secret)
    status, body = _asked(address, headers, f"{path}?{query}", ca)
    code = _code_in(body)
    if status == 404 or code == "NoSuchBucket":
        raise Failure("RepositoryMissingBucket", f"{address.netloc} has no bucket {bucket}: make it there", True)
    if status in (401, 403) or code in REFUSALS:
        raise Failure(
            "RepositoryRefused",
            f"{address.netloc} refuses the key for bucket {bucket} ({code or status}): put the right one in the Secret",
            True,
        )
    if status >= 500 or status == 429:
        raise Failure("RepositoryUnreachable", f"{address.netloc} answers {status} {code}: it is tried again later")
