"""Prometheus' own tool reads the chart's alerts and plays through when they fire; what the dashboards
ask is read as well."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TESTS = ("rules_test.yaml", "rules_of_weeks_test.yaml")
FILES = HERE.parents[2] / "charts" / "alphorn" / "files"


def expressions():
    for path in sorted((FILES / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield target["expr"].replace("$namespace", "acme")


def main():
    folder = os.environ.get("ALPHORN_PROMETHEUS")
    if not folder:
        return "ALPHORN_PROMETHEUS names no folder: run ./dev test unit, which fetches it"
    promtool = f"{folder}/usr/bin/promtool"
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(FILES / "rules.yaml", work)
        for tests in TESTS:
            shutil.copy(HERE / tests, work)
        asked = [{"record": f"asked:{number}", "expr": text} for number, text in enumerate(expressions())]
        assert asked, "the dashboards ask nothing"
        groups = {"groups": [{"name": "dashboards", "rules": asked}]}
        pathlib.Path(work, "dashboards.yaml").write_text(json.dumps(groups))  # JSON is YAML
        for command in (["check", "rules", "rules.yaml", "dashboards.yaml"], ["test", "rules", *TESTS]):
            code = subprocess.run([promtool, *command], cwd=work, check=False).returncode
            if code != 0:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
