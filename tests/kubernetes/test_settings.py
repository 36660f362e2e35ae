"""The settings classes themselves know and accept everything that the manifests set."""

import importlib
import os
import tomllib

import pytest
from pydantic_settings import BaseSettings

from fanlight_common.core.names import check_name
from fanlight_common.process.settings import BusSettings, load
from tests.kubernetes.rendered import (
    RENDERINGS,
    ROOT,
    SAMPLE,
    Placed,
    containers,
    everywhere,
    image_of,
    placed,
    template,
)

SETTINGS = {
    "directory": ["fanlight_directory.settings.DirectorySettings"],
    "capture": ["fanlight_capture.settings.CaptureSettings"],
    "encoder": ["fanlight_encoder.settings.EncoderSettings"],
    "screenshot": ["fanlight_screenshot.settings.ScreenshotSettings"],
    "gateway": [
        "fanlight_gateway.settings.GatewaySettings",
        "fanlight_gateway.settings.ViewerSettings",
    ],
}
ALL = everywhere()
SERVICES = [one for one in ALL if one.service]
every_container = pytest.mark.parametrize("one", ALL, ids=str)
services = pytest.mark.parametrize("one", SERVICES, ids=str)


def kinds(service: str) -> list[type[BaseSettings]]:
    """Return the settings classes that a service reads."""
    found = [BusSettings]
    for path in SETTINGS[service]:
        module, _, kind = path.rpartition(".")
        found.append(getattr(importlib.import_module(module), kind))
    return found


def bus(one: Placed, monkeypatch: pytest.MonkeyPatch) -> BusSettings:
    """Return the container's BusSettings, with nothing else in the environment."""
    for variable in [v for v in os.environ if v.startswith("FANLIGHT_")]:
        monkeypatch.delenv(variable)
    for variable, value in one.env.items():
        monkeypatch.setenv(variable, value)
    return load(BusSettings)


def test_every_service_is_there() -> None:
    assert {one.service for one in SERVICES} == set(SETTINGS)


@services
def test_every_variable_is_a_setting_with_a_good_value(
    one: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus(one, monkeypatch)
    known = set()
    for kind in kinds(one.service):
        load(kind)
        prefix = str(kind.model_config["env_prefix"])
        known |= {f"{prefix}{field}".upper() for field in kind.model_fields}
    assert {v for v in one.env if v.startswith("FANLIGHT_")} <= known


@every_container
def test_who_runs_nothing_of_fanlight_is_told_nothing_of_it(one: Placed) -> None:
    if not one.service:
        assert not [v for v in one.env if v.startswith("FANLIGHT_")]


@services
def test_ports_are_those_of_the_service(one: Placed, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = bus(one, monkeypatch)
    expected = {settings.health_port}
    if one.service == "directory":
        port = int(settings.bus_directory.rpartition(":")[2])
        expected |= {port, port + 1}
    else:
        # With 0 it would take free ports, which no policy could name.
        assert settings.bus_port
        if one.service in ("capture", "encoder"):
            expected |= {settings.bus_port, settings.bus_port + 1}
    for kind in kinds(one.service)[1:]:
        if {"host", "port"} <= set(kind.model_fields):
            own = load(kind)
            assert own.host == "0.0.0.0"  # type: ignore[attr-defined]
            expected.add(own.port)  # type: ignore[attr-defined]
    assert {port["containerPort"] for port in one.container["ports"]} == expected


@pytest.mark.parametrize("name", RENDERINGS)
def test_every_containerof_a_pod_share_no_port(name: str) -> None:
    for workload in {str(one.workload["metadata"]["name"]): one for one in placed(name)}.values():
        ports = [p for c in containers(workload.workload) for p in c.get("ports", [])]
        numbers = [port["containerPort"] for port in ports]
        names = [port["name"] for port in ports]
        assert len(set(numbers)) == len(numbers)
        assert len(set(names)) == len(names)
        assert all(len(port) <= 15 for port in names), "Kubernetes allows no more"


@services
def test_health_is_reached_from_outside_the_pod(
    one: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bus(one, monkeypatch).health_host == "0.0.0.0"


@services
def test_ids_are_names_and_of_the_pod(one: Placed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each container's process has number 1, so by default all would have the same id."""
    settings = bus(one, monkeypatch)
    check_name(settings.id)
    if one.service != "directory":
        assert SAMPLE["metadata.name"] in settings.id
        assert settings.bus_address == SAMPLE["status.podIP"]


@pytest.mark.parametrize("name", RENDERINGS)
def test_ids_of_one_pod_differ(name: str) -> None:
    for workload in {one.workload["metadata"]["name"] for one in placed(name)}:
        ids = [
            one.env["FANLIGHT_ID"]
            for one in placed(name)
            if one.service and one.workload["metadata"]["name"] == workload
        ]
        assert len(set(ids)) == len(ids)


@services
def test_the_directory_is_where_its_service_is(one: Placed) -> None:
    assert one.env["FANLIGHT_BUS_DIRECTORY"] == "tcp://fanlight-directory:7400"


@every_container
def test_no_variable_comes_from_the_names_of_services(one: Placed) -> None:
    """Service links are off, or Kubernetes would set FANLIGHT_GATEWAY_PORT=tcp://10.0.0.1:8080."""
    assert template(one.workload)["spec"]["enableServiceLinks"] is False


@every_container
def test_images_are_those_of_the_dockerfiles(one: Placed) -> None:
    image, tag = image_of(one.container)
    if image == "registry.example.org/your-agent":
        return
    assert image.startswith("fanlight/")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert tag == version
    service = image.removeprefix("fanlight/")
    if service == "desk":
        dockerfile = (ROOT / "services/capture/Dockerfile").read_text()
        assert "FROM capture AS desk" in dockerfile
        # The pod runs a program instead of the entry point, so the image has to contain it.
        started = [*one.container.get("command", []), *one.container.get("args", [])]
        text = " ".join(started)
        if "Xvfb" in text:
            assert "xvfb" in dockerfile
        else:
            assert "/usr/lib/fanlight/session" in text
            assert "xterm" in started
            assert (ROOT / "deploy/desk/session").exists()
            assert "deploy/desk/session" in dockerfile
            assert "/usr/lib/fanlight/" in dockerfile
            assert "xterm" in dockerfile
    else:
        dockerfile = (ROOT / f"services/{service}/Dockerfile").read_text()
        assert f'"fanlight_{service}"' in dockerfile
    if one.service:
        assert "args" not in one.container
