"""A real Prometheus on the node, which may knock at every pod, with the chart's own monitors and alerts.

Debian's Prometheus cannot ask the API server where the pods are, so they are looked up here, as the
Prometheus operator would have it done: by what each PodMonitor selects."""

import contextlib
import json
import os
import pathlib
import re
import tempfile
import time

import requests
import yaml

from support import beside
from support import kubectl as k
from support import operator
from support.waiting import wait_until

ADDRESS = "127.0.0.1:19909"
FILES = k.ROOT / "charts" / "alphorn" / "files"
UNTIL_UP = 30
MONITORS = "podmonitors.monitoring.coreos.com"
RULES = "prometheusrules.monitoring.coreos.com"


def definitions():
    """The kinds of the Prometheus operator, as its makers publish them."""
    folder = os.environ.get("ALPHORN_DEFINITIONS")
    assert folder, "ALPHORN_DEFINITIONS names no folder: run the stories by ./dev test e2e"
    return sorted(pathlib.Path(folder).glob("monitoring.coreos.com_*.yaml"))


def _upgrade(*values):
    k.dev("helm", "upgrade", "alphorn", str(k.ROOT / "charts" / "alphorn"), "--namespace", k.SYSTEM,
          "--reuse-values", *values, "--wait", "--timeout", "480s", timeout=540)
    operator.wait_until_whole()


@contextlib.contextmanager
def monitoring(namespace):
    """The chart's monitoring is enabled as long as it lasts, for all companies; who reads their metrics
    is in that namespace."""
    for path in definitions():
        k.kubectl("apply", "--server-side", "-f", str(path))
        name = yaml.safe_load(path.read_text())["metadata"]["name"]
        k.kubectl("wait", "--for=condition=Established", "crd", name, "--timeout=300s")
    try:
        _upgrade("--set", f"monitoring.enabled=true,monitoring.namespace={namespace}")
        yield
    finally:
        _upgrade("--set", "monitoring.enabled=false")
        for path in definitions():
            k.kubectl("delete", "-f", str(path), "--ignore-not-found")


def _snake(relabeling):
    return {re.sub("[A-Z]", lambda found: "_" + found.group().lower(), key): value
            for key, value in relabeling.items()}


def _targets(monitor, endpoint):
    """What is to be scraped now: the named port of every pod that the monitor selects."""
    spec = monitor["spec"]
    selector = ",".join(
        [f"{key}={value}" for key, value in spec["selector"]["matchLabels"].items()]
        + [f"{one['key']} {one['operator'].lower()} ({','.join(one['values'])})"
           for one in spec["selector"].get("matchExpressions", [])])
    namespace = None if spec.get("namespaceSelector", {}).get("any") else monitor["metadata"]["namespace"]
    found = []
    for pod in k.listed("pods", namespace, selector):
        labels = {"__meta_kubernetes_pod_label_" + re.sub(r"[^a-zA-Z0-9_]", "_", key): value
                  for key, value in pod["metadata"]["labels"].items()}
        labels |= {"namespace": pod["metadata"]["namespace"], "pod": k.name_of(pod)}
        ports = [port["containerPort"] for container in pod["spec"]["containers"]
                 for port in container.get("ports", []) if port.get("name") == endpoint["port"]]
        address = pod["status"].get("podIP")
        if address and "deletionTimestamp" not in pod["metadata"]:
            found += [{"targets": [f"{address}:{port}"], "labels": labels} for port in ports]
    return found


class Prometheus:
    """Scrapes every two seconds what the chart's PodMonitors select, and minds its rules."""

    def __init__(self):
        folder = os.environ.get("ALPHORN_PROMETHEUS")
        assert folder, "ALPHORN_PROMETHEUS names no folder: run the stories by ./dev test e2e"
        self._folder = tempfile.TemporaryDirectory(prefix="alphorn-prometheus-")
        self._place = place = pathlib.Path(self._folder.name)
        self._monitors = k.listed(MONITORS, k.SYSTEM)
        assert self._monitors, "the chart made no PodMonitor"
        self._looked = 0.0
        self._look()
        (rules,) = k.listed(RULES, k.SYSTEM)
        (place / "rules.yaml").write_text(yaml.safe_dump(rules["spec"]))
        (place / "prometheus.yaml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
            "rule_files": [str(place / "rules.yaml")],
            "scrape_configs": [self._job(monitor) for monitor in self._monitors]}))
        self._log = open(place / "log", "w", encoding="utf-8")
        self._process = beside.start(
            [f"{folder}/usr/bin/prometheus", f"--config.file={place}/prometheus.yaml",
             f"--storage.tsdb.path={place}/data", f"--web.listen-address={ADDRESS}"],
            stdout=self._log, stderr=self._log)
        self._session = requests.Session()
        self._session.trust_env = False
        wait_until("Prometheus answers", self._answers, UNTIL_UP)

    def _job(self, monitor):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        return {"job_name": k.name_of(monitor), "metrics_path": endpoint["path"],
                "honor_labels": endpoint.get("honorLabels", False),
                "file_sd_configs": [{"files": [str(self._place / f"{k.name_of(monitor)}.json")]}],
                "relabel_configs": [_snake(one) for one in endpoint["relabelings"]]}

    def _look(self):
        """Pods come and go."""
        if time.monotonic() - self._looked < 3:
            return
        for monitor in self._monitors:
            (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
            path = self._place / f"{k.name_of(monitor)}.json"
            path.with_suffix(".part").write_text(json.dumps(_targets(monitor, endpoint)))
            path.with_suffix(".part").rename(path)
        self._looked = time.monotonic()

    def _answers(self):
        assert self._process.poll() is None, \
            f"Prometheus has ended: {(self._place / 'log').read_text()[-500:]}"
        try:
            self._get("status/runtimeinfo")
        except requests.RequestException as error:
            raise AssertionError(str(error)) from None

    def _get(self, path, **parameters):
        answer = self._session.get(f"http://{ADDRESS}/api/v1/{path}", params=parameters, timeout=60)
        answer.raise_for_status()
        return answer.json()["data"]

    def query(self, expression):
        """[(labels, value)] of an expression now."""
        self._look()
        found = self._get("query", query=expression)["result"]
        return [(entry["metric"], float(entry["value"][1])) for entry in found]

    def names(self):
        self._look()
        return set(self._get("label/__name__/values"))

    def alerts(self):
        """{(name, namespace)} of alerts that fire or will when they last."""
        self._look()
        return {(alert["labels"]["alertname"], alert["labels"].get("namespace"))
                for alert in self._get("alerts")["alerts"]}

    def close(self):
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
        self._folder.cleanup()
