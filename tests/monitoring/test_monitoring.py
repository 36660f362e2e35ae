"""Prometheus and the dashboard: what they ask for is there and understood; alerts alert.

Grafana itself is not run: what is tested of the dashboard is every expression in it.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_common.protocol import binary, control, input
from tests.e2e.processes import end, wait_ready, wait_until
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/fanlight.json").read_text())
OPERATIONS = ROOT / "docs" / "operations.md"
FOREIGN = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""Metrics that Prometheus and its Python client have by themselves."""


def _has(program: str) -> bool:
    return any((Path(d) / program).exists() for d in os.environ["PATH"].split(os.pathsep))


needs_prometheus = pytest.mark.skipif(
    not (_has("prometheus") and _has("promtool")),
    reason="Debian's package prometheus is not installed (scripts/setup test brings it)",
)


def expressions() -> list[str]:
    """Return every PromQL expression in the dashboard."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def alerts() -> list[dict[str, Any]]:
    """Return every alert."""
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def documented() -> dict[str, tuple[str, str]]:
    """Return each metric's process and kind, by its name, as the documentation's table has them."""
    rows = re.findall(
        r"^\| `(fanlight_\w+)` \| ([\w ]+) \| (\w+) \|", OPERATIONS.read_text(), re.MULTILINE
    )
    return {name: (place, kind) for name, place, kind in rows}


def series_of(name: str, kind: str) -> set[str]:
    """Return the series that a metric has."""
    if kind == "histogram":
        return {f"{name}_{part}" for part in ("bucket", "count", "sum")}
    return {name}


def promtool(*arguments: object, cwd: Path = MONITORING) -> str:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_documentation_has_the_table_of_all_metrics() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "scripts/document-metrics")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert made in OPERATIONS.read_text(), "run scripts/document-metrics --write"


@pytest.mark.parametrize("expression", [*expressions(), *(a["expr"] for a in alerts())])
def test_only_metrics_that_exist_are_asked_for(expression: str) -> None:
    known = FOREIGN | {s for name, (_, kind) in documented().items() for s in series_of(name, kind)}
    bare = re.sub(r'"[^"]*"', "", re.sub(r"\{[^}]*\}", "", expression))
    bare = re.sub(r"\b(by|without|on) \([^)]*\)", "", bare)
    asked = set(re.findall(r"\b(?:fanlight|process|up)(?:_\w+)?\b", bare))
    assert asked
    assert asked <= known


def test_every_panel_says_what_it_shows_and_has_its_place() -> None:
    places = set()
    for panel in DASHBOARD["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"prometheus"}
        where = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(where["x"], where["x"] + where["w"])
            for y in range(where["y"], where["y"] + where["h"])
        }
        assert where["x"] + where["w"] <= 24
        assert not cells & places
        places |= cells
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identities)) == len(identities)


def test_the_overlay_and_what_it_mounts_fit_together() -> None:
    overlay = yaml.safe_load((ROOT / "docker-compose.monitoring.yml").read_text())
    for service in overlay["services"].values():
        for mount in service.get("volumes", ()):
            if isinstance(mount, str) and mount.startswith("."):
                assert (ROOT / mount.split(":")[0]).exists(), mount
    source = yaml.safe_load(
        (MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"][0]
    assert source["uid"] == "prometheus"
    assert source["url"] == "http://prometheus:9090"
    (scrape,) = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    (discovery,) = scrape["dns_sd_configs"]
    base = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(discovery["names"]) == base.keys() - {"memory"}
    for name in discovery["names"]:
        assert overlay["services"][name]["environment"]["FANLIGHT_HEALTH_HOST"] == "0.0.0.0"
    for name in discovery["names"]:
        dockerfile = ROOT / base[name]["build"]["dockerfile"]
        assert f"FANLIGHT_HEALTH_PORT={discovery['port']}" in dockerfile.read_text()


def test_every_alert_has_its_place_in_the_documentation_and_a_test() -> None:
    tests = yaml.safe_load((MONITORING / "alerts.test.yml").read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    names = {alert["alert"] for alert in alerts()}
    assert fired == names
    text = OPERATIONS.read_text()
    assert not [name for name in names if f"`{name}`" not in text]


@needs_prometheus
def test_the_configuration_is_valid() -> None:
    promtool("check", "config", "prometheus.yml")


@needs_prometheus
def test_the_alerts_alert_when_they_should() -> None:
    promtool("test", "rules", "alerts.test.yml")


@needs_prometheus
def test_every_expression_of_the_dashboard_parses(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]})
    )
    told = promtool("check", "rules", "rules.yml", cwd=tmp_path)
    assert f"{len(rules)} rules found" in told


KINDS = ("directory", "capture", "encoder", "screenshot", "gateway")
SERVICE_OF = {"capture": "desk"}
"""The service's name in the compose file, if that is another one."""


class Stack:
    """The real services, each with a health port, and a Prometheus that scrapes them all."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secret = root / "secret"
        self.health = {kind: free_port() for kind in KINDS}
        self.gateway, self.prometheus = free_port(), free_port()
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, kind: str, **settings: object) -> None:
        prefix = f"FANLIGHT_{kind.upper()}_"
        self._run(
            [sys.executable, "-m", f"fanlight_{kind}"],
            FANLIGHT_RUNTIME_DIR=str(self.root / "run"),
            FANLIGHT_ID=kind,
            FANLIGHT_HEALTH_PORT=str(self.health[kind]),
            FANLIGHT_LOG_FORMAT="json",
            FANLIGHT_LOG_LEVEL="DEBUG",
            **{prefix + name.upper(): str(value) for name, value in settings.items()},
        )

    def start_prometheus(self) -> None:
        """Start it with the containers' configuration, except for the addresses of the targets."""
        configuration = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
        configuration["rule_files"] = [str(MONITORING / "alerts.yml")]
        configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        (scrape,) = configuration["scrape_configs"]
        del scrape["dns_sd_configs"]
        scrape["static_configs"] = [
            {
                "targets": [f"127.0.0.1:{port}"],
                "labels": {"__meta_dns_name": SERVICE_OF.get(kind, kind)},
            }
            for kind, port in self.health.items()
        ]
        (self.root / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self._run(
            [
                "prometheus",
                f"--config.file={self.root}/prometheus.yml",
                f"--storage.tsdb.path={self.root}/figures",
                f"--web.listen-address=127.0.0.1:{self.prometheus}",
            ]
        )
        # Until it is ready it answers 503 to every query.
        wait_ready(f"http://127.0.0.1:{self.prometheus}/-/ready")

    def _run(self, command: list[str], **environment: str) -> None:
        name = environment.get("FANLIGHT_ID", command[0])
        with (self.root / f"{name}.log").open("w") as log:
            self.processes.append(
                subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env={**os.environ, **environment},
                )
            )

    def log(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text()

    def token(self, role: Role = Role.CONTROL) -> str:
        now = time.time()
        grant = Grant(role, "main", int(now) + 600)
        return tokens.issue(tokens.load_secret(self.secret), grant, now)

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the answer of Prometheus."""
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/{path}"
        answer = httpx.get(url, params=parameters, trust_env=False, timeout=20).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def value(self, expression: str) -> float | None:
        """Return the only value of an expression."""
        data = self.ask("query", query=expression)
        if not data["result"]:
            return None
        (series,) = data["result"]
        return float(series["value"][1])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("m"))
    tokens.load_secret(made.secret)
    made.start("directory")
    made.start("capture", desk="main", source="pattern")
    made.start("encoder")
    made.start("screenshot", port=0, secret_file=made.secret)
    made.start("gateway", port=made.gateway, secret_file=made.secret)
    screenshot = f"http://127.0.0.1:{made.gateway}/api/desks/main/screenshot"
    wait_ready(screenshot, token=made.token())
    yield made
    for process in made.processes:
        end(process)


def watch(stack: Stack, until: Callable[[], object]) -> None:
    """Be a viewer that paints at once, types a secret, falls back and comes again."""
    with connect(
        f"ws://127.0.0.1:{stack.gateway}/api/desks/main/stream",
        additional_headers={"Authorization": f"Bearer {stack.token()}"},
        compression=None,
        max_size=None,
        proxy=None,
    ) as client:
        client.recv(20)
        client.send(control.Hello("viewer-of-metrics", True, False).encode())
        client.send(input.Text(TYPED).encode())
        client.send(control.Clipboard(COPIED).encode())
        client.send(control.FellBack(control.FallbackReason.AGE).encode())
        units = 0
        while units < 30 or not until():
            message = client.recv(30)
            if isinstance(message, str):
                continue
            unit = binary.decode_from_gateway(message)
            if isinstance(unit, binary.VideoUnit):
                units += 1
                client.send(binary.Ack(20, unit.epoch, unit.sequence, unit.sequence).encode())
                client.send(binary.Ping(units, 1, 5).encode())


TYPED = "the-typed-secret"
COPIED = "the-copied-secret"


@pytest.mark.processes
def test_what_the_processes_export_is_what_is_documented(stack: Stack) -> None:
    watch(stack, lambda: True)
    exported: dict[str, set[str]] = {}
    for kind, port in stack.health.items():
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        for family in text_string_to_metric_families(text):
            if family.name.startswith("fanlight_"):
                name = family.name + ("_total" if family.type == "counter" else "")
                exported.setdefault(name, set()).add(kind)
                # No label has a name that viewers choose, because there is no end of those.
                assert "viewer" not in {key for s in family.samples for key in s.labels}
    table = documented()
    assert exported.keys() == table.keys()
    for name, (place, _) in table.items():
        if place != "every process":
            assert exported[name] == {place}, name


@pytest.mark.processes
def test_no_secret_and_nothing_typed_is_logged_even_at_debug(stack: Stack) -> None:
    token = stack.token()
    httpx.get(
        f"http://127.0.0.1:{stack.gateway}/api/desks",
        headers={"Authorization": "Bearer no-such-token"},
        trust_env=False,
    )
    watch(stack, lambda: True)
    hidden = [TYPED, COPIED, token, token.split(".")[2], "no-such-token"]
    for kind in KINDS:
        said = stack.log(kind)
        assert said
        assert not [secret for secret in hidden if secret in said], kind
        for line in said.splitlines():
            told = json.loads(line)
            assert told["service"] == told["process"] == kind
            assert not ("viewer" in told and "desk" not in told), told


@pytest.mark.processes
@needs_prometheus
def test_prometheus_scrapes_all_of_them_and_the_dashboard_has_answers(stack: Stack) -> None:
    stack.start_prometheus()

    def is_scraped() -> bool:
        return stack.value('count(up{job="fanlight"} == 1)') == len(KINDS)

    wait_until(is_scraped, "all processes to be scraped")
    fresh = next(e for e in expressions() if "0.95" in e and "picture_age" in e)
    # These need not have counted anything here.
    quiet = ("closed", "rejected", "refused", "releases", "dropped", "socket", "== 0", "rate_kbps")
    quiet += ("not_understood",)
    asked = [e for e in expressions() if not any(word in e for word in quiet)]
    looked_at = 0.0
    silent = asked

    def has_figures() -> bool:
        nonlocal looked_at, silent
        if time.monotonic() - looked_at < 1:
            return False
        looked_at = time.monotonic()
        silent = [e for e in silent if not stack.ask("query", query=e)["result"]]
        age_s = stack.value(fresh)
        is_right = age_s is not None and 0 < age_s <= 0.02
        return is_right and not silent and bool(stack.value("max(fanlight_encoder_load)"))

    try:
        watch(stack, has_figures)
    except TimeoutError:
        assert not silent
        raise
    services = {s["metric"]["service"] for s in stack.ask("query", query="up")["result"]}
    assert services == {"directory", "desk", "encoder", "screenshot", "gateway"}
    health = {rule["health"] for g in stack.ask("rules")["groups"] for rule in g["rules"]}
    assert health == {"ok"}
