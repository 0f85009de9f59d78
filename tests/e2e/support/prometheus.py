"""A real Prometheus on the node, which may knock at every pod, with the chart's own alerts."""

import os
import pathlib
import subprocess
import tempfile

import requests
import yaml

from support import kubectl as k
from support.waiting import wait_until

ADDRESS = "127.0.0.1:30909"
FILES = k.ROOT / "charts" / "alphorn" / "files"
UNTIL_UP = 30


def _targets(pods, port, **labels):
    return {"targets": [f"{pod['status']['podIP']}:{port}" for pod in pods], "labels": labels}


class Prometheus:
    """Scrapes every two seconds what PodMonitors of the chart would name, with the same labels."""

    def __init__(self, operators, homeservers):
        folder = os.environ.get("ALPHORN_PROMETHEUS")
        assert folder, "ALPHORN_PROMETHEUS names no folder: run the stories by ./dev test e2e"
        self._folder = tempfile.TemporaryDirectory(prefix="alphorn-prometheus-")
        place = pathlib.Path(self._folder.name)
        jobs = [{"job_name": "alphorn-operator", "honor_labels": True,
                 "static_configs": [_targets(operators, 8080)]},
                {"job_name": "alphorn-homeservers", "metrics_path": "/_synapse/metrics",
                 "static_configs": [_targets([pod], 9000, namespace=pod["metadata"]["namespace"])
                                    for pod in homeservers]}]
        (place / "prometheus.yaml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
            "rule_files": [str(FILES / "rules.yaml")], "scrape_configs": jobs}))
        self._log = open(place / "log", "w", encoding="utf-8")
        self._process = subprocess.Popen(
            [f"{folder}/usr/bin/prometheus", f"--config.file={place}/prometheus.yaml",
             f"--storage.tsdb.path={place}/data", f"--web.listen-address={ADDRESS}"],
            stdout=self._log, stderr=self._log)
        self._session = requests.Session()
        self._session.trust_env = False
        wait_until("Prometheus answers", self._answers, UNTIL_UP)

    def _answers(self):
        assert self._process.poll() is None, "Prometheus has ended"
        try:
            self._get("status/runtimeinfo")
        except requests.RequestException as error:
            raise AssertionError(str(error)) from None

    def _get(self, path, **parameters):
        answer = self._session.get(f"http://{ADDRESS}/api/v1/{path}", params=parameters, timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]

    def query(self, expression):
        """[(labels, value)] of an expression now."""
        found = self._get("query", query=expression)["result"]
        return [(entry["metric"], float(entry["value"][1])) for entry in found]

    def names(self):
        return set(self._get("label/__name__/values"))

    def alerts(self):
        """{(name, namespace)} of alerts that fire or will when they last."""
        return {(alert["labels"]["alertname"], alert["labels"].get("namespace"))
                for alert in self._get("alerts")["alerts"]}

    def close(self):
        self._process.terminate()
        self._process.wait(20)
        self._log.close()
        self._folder.cleanup()
