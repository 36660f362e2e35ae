"""Objects fit each other: selectors, ports, probes, the autoscaler's metric, times."""

import re
import urllib.request
from typing import Any, cast

import pytest
import yaml
from fastapi.routing import APIRoute
from prometheus_client import Counter, Gauge, Histogram

import fanlight_encoder.metrics
import fanlight_gateway.http.app
import fanlight_screenshot.http.app
from fanlight_common.process.health import HealthServer
from fanlight_common.protocol.screenshot_wait import WAIT_MAX_S
from fanlight_common.service.supervision import STOP_LIMIT_S
from fanlight_gateway.http.screenshots import TIMEOUT_S
from fanlight_gateway.settings import GatewaySettings, ViewerSettings
from fanlight_gateway.viewers.plain_http_sessions import MAX_BODY_BYTES
from tests.kubernetes.rendered import (
    KUBERNETES,
    RENDERINGS,
    WORKLOADS,
    Manifest,
    Placed,
    called,
    containers,
    deployed,
    every_manifest,
    everywhere,
    matches,
    of_kind,
    rendered,
    template,
)

ALL = everywhere()
renderings = pytest.mark.parametrize("name", RENDERINGS)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def labels(workload: Manifest) -> dict[str, str]:
    found: dict[str, str] = template(workload)["metadata"]["labels"]
    return found


def ports(workload: Manifest) -> dict[str, int]:
    """Return the number of each port of a pod, by its name."""
    return {p["name"]: p["containerPort"] for c in containers(workload) for p in c.get("ports", [])}


@renderings
def test_no_namespace_is_named(name: str) -> None:
    assert not [m for m in rendered(name) if "namespace" in m["metadata"]]


@renderings
def test_workloads_select_their_own_pods_and_no_others(name: str) -> None:
    workloads = of_kind(deployed(name), *WORKLOADS)
    for workload in workloads:
        chosen = [w for w in workloads if matches(workload["spec"]["selector"], labels(w))]
        assert chosen == [workload]
        for constraint in template(workload)["spec"].get("topologySpreadConstraints", []):
            assert matches(constraint["labelSelector"], labels(workload))


@renderings
def test_services_lead_to_ports_of_pods(name: str) -> None:
    workloads = of_kind(deployed(name), *WORKLOADS)
    for service in of_kind(rendered(name), "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        chosen = [w for w in workloads if matches(selector, labels(w))]
        assert chosen
        for workload in chosen:
            for port in service["spec"].get("ports", []):
                assert ports(workload)[port["targetPort"]] == port["port"]
    services = [m["metadata"]["name"] for m in of_kind(rendered(name), "Service")]
    for workload in of_kind(rendered(name), "StatefulSet"):
        assert workload["spec"]["serviceName"] in services


@renderings
def test_config_maps_that_are_named_exist(name: str) -> None:
    """Their names have a hash of the contents, so that pods start anew when those change."""
    maps = {m["metadata"]["name"] for m in of_kind(rendered(name), "ConfigMap")}
    named = {
        source["configMapRef"]["name"]
        for workload in of_kind(rendered(name), *WORKLOADS)
        for container in containers(workload)
        for source in container.get("envFrom", [])
    }
    assert named == maps
    assert all(re.fullmatch(r"fanlight-bus-[a-z0-9]{10}", one) for one in maps)


def test_every_kind_of_many_has_a_disruption_budget() -> None:
    budgets = of_kind(rendered("base"), "PodDisruptionBudget")
    workloads = of_kind(rendered("base"), *WORKLOADS)
    guarded = []
    for budget in budgets:
        (workload,) = [w for w in workloads if matches(budget["spec"]["selector"], labels(w))]
        guarded.append(called(workload))
        assert budget["spec"]["maxUnavailable"] == 1
    alone = ["Deployment/fanlight-directory"]
    assert sorted([*guarded, *alone]) == sorted(map(called, workloads))


def test_there_is_one_directory_at_a_time() -> None:
    (directory,) = [
        w for w in of_kind(rendered("everything"), "Deployment") if "directory" in called(w)
    ]
    assert directory["spec"]["replicas"] == 1
    assert directory["spec"]["strategy"] == {"type": "Recreate"}


def http_paths(one: Placed, port: str) -> set[str]:
    """Return the paths that are answered on a port."""
    if port == "http":
        app: Any = {
            "gateway": lambda: fanlight_gateway.http.app.build(
                cast(Any, Anything()), cast(Any, Anything()), cast(Any, Anything())
            ),
            "screenshot": lambda: fanlight_screenshot.http.app.build(
                cast(Any, Anything()), cast(Any, Anything())
            ),
        }[one.service]()
        return {route.path for route in app.routes if isinstance(route, APIRoute)}
    assert port.endswith("health")
    server = HealthServer("127.0.0.1", 0, lambda: (True, {}))
    try:
        found = set()
        for path in ("/healthz", "/metrics"):
            with urllib.request.urlopen(server.url + path, timeout=10) as answer:
                assert answer.status == 200
            found.add(path)
        return found
    finally:
        server.close()


class Anything:
    """Has every attribute, which is enough to build an app and look at its routes."""

    def __getattr__(self, name: str) -> "Anything":
        return Anything()

    def __call__(self, *args: Any, **kwargs: Any) -> "Anything":
        return Anything()


@pytest.mark.parametrize("one", [o for o in ALL if o.service], ids=str)
def test_probes_ask_what_is_answered(one: Placed) -> None:
    numbers = {p["name"]: p["containerPort"] for p in one.container["ports"]}
    probes = [one.container[kind] for kind in PROBES if kind in one.container]
    assert "livenessProbe" in one.container
    for probe in probes:
        asked = probe["httpGet"]
        assert asked["port"] in numbers
        assert asked["path"] in http_paths(one, asked["port"])
    # Only the health port shows that an event loop hangs, because a thread answers there.
    assert one.container["livenessProbe"]["httpGet"]["port"].endswith("health")
    assert one.container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    if one.service == "gateway":
        assert one.container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_the_desk_starts_behind_its_x_server() -> None:
    (desk,) = of_kind(rendered("base"), "StatefulSet")
    (display,) = template(desk)["spec"]["initContainers"]
    assert display["restartPolicy"] == "Always"
    assert display["startupProbe"]["exec"]["command"][-1] == "/tmp/.X11-unix/X0"


@pytest.mark.parametrize(
    "workload", [m for m in every_manifest() if m["kind"] in WORKLOADS], ids=called
)
def test_there_is_time_to_stop(workload: Manifest) -> None:
    spec = template(workload)["spec"]
    before = max(
        c.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        for c in containers(workload)
    )
    assert spec["terminationGracePeriodSeconds"] >= before + 2 * STOP_LIMIT_S
    if "gateway" in called(workload):
        assert before >= 2, "the ingress has to hear of it first"


def test_the_autoscaler_scales_encoders_alone() -> None:
    manifests = rendered("autoscaling")
    (scaler,) = of_kind(manifests, "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    (deployment,) = [m for m in manifests if called(m) == f"{target['kind']}/{target['name']}"]
    assert deployment["apiVersion"] == target["apiVersion"]
    # Otherwise each `kubectl apply` would set the number back.
    assert "replicas" not in deployment["spec"]
    (budget,) = [
        b
        for b in of_kind(manifests, "PodDisruptionBudget")
        if matches(b["spec"]["selector"], labels(deployment))
    ]
    assert scaler["spec"]["minReplicas"] > budget["spec"]["maxUnavailable"]


def exported() -> dict[str, bool]:
    """Return the encoder's series as /metrics has them, and of each whether it has labels."""
    found: dict[str, bool] = {}
    suffixes = {"counter": ["_total"], "histogram": ["_sum", "_count", "_bucket"]}
    for metric in vars(fanlight_encoder.metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.collect()
            # A metric without labels has its samples from the beginning.
            plain = {sample.name for sample in family.samples if not sample.labels}
            for suffix in suffixes.get(family.type, [""]):
                found[family.name + suffix] = family.name + suffix not in plain
    return found


def test_the_autoscalers_metric_is_made_of_what_encoders_export() -> None:
    (scaler,) = of_kind(rendered("autoscaling"), "HorizontalPodAutoscaler")
    (metric,) = scaler["spec"]["metrics"]
    path = KUBERNETES / "components/autoscaling/prometheus-adapter.yaml"
    (rule,) = yaml.safe_load(path.read_text())["rules"]["custom"]
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    series = exported()
    for text in (rule["seriesQuery"], rule["metricsQuery"]):
        names = re.findall(r"fanlight_\w+", text)
        assert names
        assert set(names) <= set(series)
    # The query has all the work that is timed. Waiting is no work.
    timed = {name for name in series if name.endswith("_seconds_sum")}
    assert timed - {"fanlight_encoder_wait_seconds_sum"} == set(
        re.findall(r"fanlight_\w+", rule["metricsQuery"])
    )
    # The query adds the series one to one, which further labels would prevent.
    for name in ("fanlight_encoder_encode_seconds_sum", "fanlight_encoder_convert_seconds_sum"):
        assert not series[name]


@renderings
def test_the_ingress_leads_to_the_gateway(name: str) -> None:
    for ingress in of_kind(rendered(name), "Ingress"):
        (rule,) = ingress["spec"]["rules"]
        assert rule["host"] in ingress["spec"]["tls"][0]["hosts"]
        (path,) = rule["http"]["paths"]
        (service,) = [
            s
            for s in of_kind(rendered(name), "Service")
            if s["metadata"]["name"] == path["backend"]["service"]["name"]
        ]
        assert path["backend"]["service"]["port"]["name"] in [
            p["name"] for p in service["spec"]["ports"]
        ]
        assert service["spec"]["selector"]["app.kubernetes.io/component"] == "gateway"


def test_the_ingress_is_patient_enough() -> None:
    (ingress,) = of_kind(rendered("ingress-nginx"), "Ingress")
    prefix = "nginx.ingress.kubernetes.io/"
    notes = {
        key.removeprefix(prefix): value for key, value in ingress["metadata"]["annotations"].items()
    }
    assert all(isinstance(value, str) for value in notes.values())
    longest_s = max(
        GatewaySettings.model_fields["http_long_poll_s"].default,
        ViewerSettings.model_fields["ping_interval_ms"].default / 1000,
        WAIT_MAX_S + TIMEOUT_S,
    )
    for way in ("read", "send"):
        assert int(notes[f"proxy-{way}-timeout"]) > longest_s
    size = notes["proxy-body-size"]
    assert size.endswith("m")
    assert int(size[:-1]) << 20 >= MAX_BODY_BYTES
    # Only one gateway knows a viewer without WebSocket (viewers/plain_http_sessions.py).
    assert notes["affinity"] == "cookie"


def test_prometheus_finds_every_health_port() -> None:
    manifests = rendered("everything")
    (monitor,) = of_kind(manifests, "PodMonitor")
    scraped = {e["port"] for e in monitor["spec"]["podMetricsEndpoints"]}
    for workload in of_kind(manifests, *WORKLOADS):
        assert matches(monitor["spec"]["selector"], labels(workload))
        healths = {port for port in ports(workload) if port.endswith("health")}
        assert healths
        assert healths <= scraped
