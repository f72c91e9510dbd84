"""The files under deploy/: they can be parsed, name only what exists, and keep their promises to each other."""

from __future__ import annotations

import configparser
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from headroom.metrics import METRICS
from headroom.options import load
from headroom.settings import Settings
from tests.live.test_proxy import proxy
from tests.live.traffic import LOG, Client, providing

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "headroom"
PLAIN = sorted(path for path in DEPLOY.rglob("*.yaml") if "templates" not in path.parts)
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.S)

NAMES = {metric.name for metric in METRICS}
HISTOGRAMS = {metric.name + end for metric in METRICS if metric.kind == "histogram" for end in ("_bucket", "_sum", "_count")}
LABELS = {metric.name: {*metric.labels, "instance", "le"} for metric in METRICS}


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def named(path: Path) -> str:
    return path.relative_to(DEPLOY).as_posix()


@pytest.mark.parametrize("path", PLAIN, ids=named)
def test_yaml_can_be_parsed(path: Path) -> None:
    assert isinstance(parsed(path), dict)


def module(name: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """A linter from PyPI, run as a program."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name.replace('_', '-')} is not installed (pip install {name.replace('_', '-')})")
    return subprocess.run([sys.executable, "-m", name, *argv], capture_output=True, text=True, check=False)


def promtool(*argv: str, stdin: str | None = None) -> list[str]:
    """What it has against what it is given: errors fail here."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    done = subprocess.run([found, *argv], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode in (0, LINTED), done.stdout + done.stderr
    return done.stderr.splitlines() if done.returncode else []


LINTED = 3
"""promtool's exit status for metrics that can be read and could be nicer."""

STYLE = "{extends: default, rules: {line-length: disable, document-start: disable, comments: {min-spaces-from-content: 1}}}"


@pytest.mark.parametrize("path", PLAIN, ids=named)
def test_yamllint_finds_nothing(path: Path) -> None:
    done = module("yamllint", "--strict", "-d", STYLE, str(path))
    assert done.returncode == 0, done.stdout


# Compose --------------------------------------------------------------------------------------------------

COMPOSE = parsed(DEPLOY / "compose.yaml")


def test_compose_mounts_and_builds_what_is_there() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
        for secret in service.get("secrets", ()):
            assert secret in COMPOSE["secrets"]
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "for this machine only"


def test_compose_is_as_its_schema_wants_it() -> None:
    done = module("check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["proxy-1", "proxy-2"])
def test_compose_starts_a_proxy_with_options_that_exist(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["command"][0] == "proxy"
    loaded = load(Settings, service["command"][1:], {"HEADROOM_PROXY_TOKEN": "x"})
    assert not loaded.warnings
    assert loaded.settings.state == "redis://redis:6379/0"
    assert set(service["environment"]) == {"HEADROOM_PROXY_TOKEN"}


def test_prometheus_asks_both_proxies_with_the_token() -> None:
    (job,) = parsed(DEPLOY / "prometheus.yaml")["scrape_configs"]
    (targets,) = job["static_configs"]
    assert targets["targets"] == ["proxy-1:8787", "proxy-2:8787"]
    assert job["authorization"]["credentials_file"] == "/run/secrets/" + COMPOSE["services"]["prometheus"]["secrets"][0]


def test_prometheus_takes_its_configuration() -> None:
    assert not promtool("check", "config", "--syntax-only", str(DEPLOY / "prometheus.yaml"))  # the file with the token is elsewhere


@pytest.mark.live
def test_prometheus_takes_our_metrics(tmp_path: Path) -> None:
    with providing() as provider, proxy(provider.server_port, tmp_path, "--budget", "10", "--rpm", "4") as running:
        client = Client(running.port, {"x-api-key": "ann"})
        statuses = [client.converse(LOG) for _ in range(4)]
        assert {200, 429} <= set(statuses)
        exposed = client.look("/metrics")
    assert "headroom_refused_total" in exposed
    # Times are in milliseconds, as everywhere else here; it would have seconds.
    assert [told for told in promtool("check", "metrics", stdin=exposed) if "_ms metric names should not contain abbreviated units" not in told] == []


# Grafana --------------------------------------------------------------------------------------------------

DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "headroom.json").read_text("utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_dashboard_asks_for_metrics_and_labels_that_exist(expression: str) -> None:
    used = set(re.findall(r"headroom_\w+", expression))
    assert used
    assert used <= NAMES | HISTOGRAMS
    labels = {label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")}
    for name in used:
        assert labels <= LABELS[name if name in NAMES else name.rpartition("_")[0]]
    assert expression.count("(") == expression.count(")")


def test_prometheus_takes_the_questions_of_the_dashboard(tmp_path: Path) -> None:
    asked = [re.sub(r"\$__(?:rate_interval|range)", "5m", expression) for expression in EXPRESSIONS]
    rules = [{"record": f"panel:{i}", "expr": expression} for i, expression in enumerate(asked)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    assert not promtool("check", "rules", str(tmp_path / "rules.yaml"))


def test_the_dashboard_is_provisioned() -> None:
    (source,) = parsed(DEPLOY / "grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    (provider,) = parsed(DEPLOY / "grafana/provisioning/dashboards/headroom.yaml")["providers"]
    assert any(volume.split(":")[1] == provider["options"]["path"] for volume in COMPOSE["services"]["grafana"]["volumes"])


# systemd --------------------------------------------------------------------------------------------------


def test_the_unit_starts_a_proxy_with_options_that_exist() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as the module's own documentation says to do it
    unit.read(DEPLOY / "headroom.service", "utf-8")
    program, command, *options = unit["Service"]["ExecStart"].split()
    assert (program, command) == ("/opt/headroom/bin/headroom", "proxy")
    assert load(Settings, options, {}).settings.workers == 2
    assert "-HUP" in unit["Service"]["ExecReload"]


def test_systemd_finds_nothing_wrong_with_the_unit() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run([analyze, "verify", str(DEPLOY / "headroom.service")], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "headroom.service" in line and "/opt/headroom/bin/headroom" not in line]
    assert complaints == []


def test_the_unit_leaves_little_to_whoever_breaks_in() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run([analyze, "security", "--offline=true", "--threshold=25", str(DEPLOY / "headroom.service")], capture_output=True, text=True, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge files (before version 250)")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


# Helm -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_templates_are_balanced_and_use_values_that_exist(path: Path) -> None:
    """As far as can be told without helm, which `test_helm_renders` uses where it is."""
    text, values, depth = path.read_text("utf-8"), parsed(CHART / "values.yaml"), 0
    names = set(re.findall(r'define "([^"]+)"', (CHART / "templates" / "_names.tpl").read_text("utf-8")))
    for action in ACTION.findall(text):
        word = action.split()[0]
        depth += (word in ("if", "range", "with")) - (word == "end")
        assert depth >= 0
        assert set(re.findall(r'include "([^"]+)"', action)) <= names
        for value in re.findall(r"\.Values\.([\w.]+)", action):
            place = values
            for name in value.split("."):
                assert name in place, value
                place = place[name]
    assert depth == 0


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        (["proxyToken=x"], {"Secret", "Service", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "StatefulSet"}),
        (["existingSecret=s", "redis.enabled=false", "redis.url=rediss://h:6379/0", "autoscaling.enabled=false"], {"Service", "Deployment", "PodDisruptionBudget"}),
        (["proxyToken=x", "redis.enabled=false", "replicas=1", "autoscaling.enabled=false", "disruption.enabled=false"], {"Secret", "Service", "Deployment"}),
    ],
)
def test_helm_renders(more: list[str], kinds: set[str], tmp_path: Path) -> None:
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not installed")
    done = subprocess.run([helm, "template", "try", str(CHART), "--set", ",".join(more)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert {one["kind"] for one in objects} == kinds
    if importlib.util.find_spec("kubernetes_validate") is not None:
        (tmp_path / "objects.yaml").write_text(done.stdout, "utf-8")
        checked = module("kubernetes_validate", "--strict", str(tmp_path / "objects.yaml"))
        assert checked.returncode == 0, checked.stdout + checked.stderr
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    environ = {one["name"]: one.get("value", "secret") for one in container["env"]}
    loaded = load(Settings, container["args"][1:], environ)
    assert loaded.settings.state in ("redis://try-headroom-redis:6379/0", "rediss://h:6379/0", "memory:")
    assert deployment["spec"]["selector"]["matchLabels"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_helm_refuses_many_proxies_without_redis() -> None:
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not installed")
    done = subprocess.run([helm, "template", str(CHART), "--set", "proxyToken=x,redis.enabled=false"], capture_output=True, text=True, check=False)
    assert "needs a Redis" in done.stderr
