"""The files under deploy/: they can be parsed, name only what exists, and keep their promises to each other."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from headroom.metrics import METRICS
from headroom.options import load
from headroom.settings import Settings

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
def test_helm_renders(more: list[str], kinds: set[str]) -> None:
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not installed, and no package registry has it")
    done = subprocess.run([helm, "template", "try", str(CHART), "--set", ",".join(more)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert {one["kind"] for one in objects} == kinds
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    environ = {one["name"]: one.get("value", "secret") for one in container["env"]}
    loaded = load(Settings, container["args"][1:], environ)
    assert loaded.settings.state in ("redis://try-headroom-redis:6379/0", "rediss://h:6379/0", "memory:")
    assert deployment["spec"]["selector"]["matchLabels"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_helm_refuses_many_proxies_without_redis() -> None:
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not installed, and no package registry has it")
    done = subprocess.run([helm, "template", str(CHART), "--set", "proxyToken=x,redis.enabled=false"], capture_output=True, text=True, check=False)
    assert "needs a Redis" in done.stderr
