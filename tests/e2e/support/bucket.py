"""An S3 server that runs beside the cluster, and a look into its buckets past all that is ours."""

import datetime
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.parse
import xml.etree.ElementTree

import requests

from support import beside
from support.waiting import wait_until

ADDRESS = "10.250.0.1"  # the node's own: nothing outside this machine reaches it
PORT = 19993
ENDPOINT = f"https://{ADDRESS}:{PORT}"
REGION = "ch-gva"
UNTIL_UP = 30
OTHER_PORTS = {"master.port": 19980, "volume.port": 19981, "filer.port": 19982}


class BucketServer:
    """It knows one key and makes no bucket by itself."""

    def __init__(self, key_id, secret, address=ADDRESS, port=PORT, other_ports=None):
        self._program = os.environ.get("ALPHORN_S3")
        assert self._program, "ALPHORN_S3 names no program: run the stories by ./dev test e2e"
        self.key_id, self.secret = key_id, secret
        self.endpoint = f"https://{address}:{port}"
        self._address, self._port, self._other_ports = address, port, other_ports or OTHER_PORTS
        self._folder = tempfile.TemporaryDirectory(prefix="alphorn-bucket-")
        folder = pathlib.Path(self._folder.name)
        self.ca_file, self._process = folder / "ca.crt", None
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=bucket",
             "-addext", f"subjectAltName=IP:{address}", "-keyout", str(folder / "ca.key"),
             "-out", str(self.ca_file)], check=True, capture_output=True)
        (folder / "s3.json").write_text(json.dumps({"identities": [{
            "name": "company", "credentials": [{"accessKey": key_id, "secretKey": secret}],
            "actions": ["Admin"]}]}), encoding="utf-8")
        (folder / "data").mkdir()
        self.start()

    def start(self):
        folder = pathlib.Path(self._folder.name)
        options = {"dir": folder / "data", "ip": self._address, "ip.bind": self._address,
                   "master.telemetry": "false", "volume.max": 8,
                   **self._other_ports, "s3.port": self._port,
                   "s3.config": folder / "s3.json", "s3.cert.file": self.ca_file,
                   "s3.key.file": folder / "ca.key", "s3.port.iceberg": 0, "s3.port.lance": 0,
                   "s3.iam": "false", "s3.autoCreateBucket": "false"}
        with open(folder / "log", "a", encoding="utf-8") as log:
            self._process = beside.start(
                [self._program, "server", "-s3", *(f"-{name}={value}" for name, value in
                                                   options.items())], stdout=log, stderr=log)
        wait_until("the S3 server answers", self._answers, UNTIL_UP)

    def stop(self):
        """At once: it would take half a minute to say goodbye to itself."""
        self._process.kill()
        self._process.wait(60)

    def close(self):
        self.stop()
        self._folder.cleanup()

    def _answers(self):
        log = pathlib.Path(self._folder.name, "log").read_text(encoding="utf-8")[-2000:]
        assert self._process.poll() is None, "the S3 server has ended: " + log
        try:
            answer = self.request("GET", "/")
        except requests.RequestException as error:
            raise AssertionError(str(error)) from None
        assert answer.ok, f"answers {answer.status_code}: {answer.text[:200]}"

    def make(self, bucket):
        answer = self.request("PUT", "/" + bucket)
        assert answer.ok, f"bucket {bucket} was not made: {answer.status_code} {answer.text[:200]}"

    def names(self, bucket):
        """{name: size} of what is in the bucket."""
        answer = self.request("GET", "/" + bucket, {"list-type": "2"})
        assert answer.ok, f"{bucket} cannot be listed: {answer.status_code} {answer.text[:200]}"
        space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        return {entry.find(space + "Key").text: int(entry.find(space + "Size").text)
                for entry in xml.etree.ElementTree.fromstring(answer.text).iter(space + "Contents")}

    def content(self, bucket, name):
        answer = self.request("GET", f"/{bucket}/{name}")
        assert answer.ok, f"{name} of {bucket}: {answer.status_code} {answer.text[:200]}"
        return answer.content

    def request(self, method, path, query=None):
        """Signed by AWS Signature Version 4, as Amazon documents it."""
        now = datetime.datetime.now(datetime.timezone.utc)
        day, moment = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
        path = urllib.parse.quote(path)
        text = urllib.parse.urlencode(sorted((query or {}).items()))
        empty = hashlib.sha256(b"").hexdigest()
        headers = {"host": f"{self._address}:{self._port}", "x-amz-content-sha256": empty,
                   "x-amz-date": moment}
        named = ";".join(headers)
        canonical = "\n".join([method, path, text,
                               *(f"{name}:{value}" for name, value in headers.items()), "", named,
                               empty])
        scope = f"{day}/{REGION}/s3/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret).encode()
        for part in (day, REGION, "s3", "aws4_request", to_sign):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, "
                                    f"SignedHeaders={named}, Signature={key.hex()}")
        session = requests.Session()
        session.trust_env = False
        return session.request(method, self.endpoint + path + ("?" + text if text else ""),
                               headers=headers, verify=str(self.ca_file), timeout=120)
