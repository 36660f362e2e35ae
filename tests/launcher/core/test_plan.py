"""What `fanlight up` starts, and with which environment."""

import sys

from fanlight_launcher.core.plan import KINDS, UpOptions, services, token_environment


def test_the_environment_of_each_service_says_who_and_where() -> None:
    options = UpOptions("0.0.0.0", 80, 81, 2, "/s/secret")
    desks = {
        "main": {"DISPLAY": ":7", "XAUTHORITY": "/r/xauthority"},
        "two": {"DISPLAY": "host:0"},
    }
    plan = {spec.name: spec for spec in services(options, "/r", desks)}
    assert list(plan) == [
        "directory",
        "capture-main",
        "capture-two",
        "encoder-0",
        "encoder-1",
        "screenshot",
        "gateway",
    ]
    for name, spec in plan.items():
        kind = name.partition("-")[0]
        assert kind in KINDS
        assert list(spec.command(-1)) == [sys.executable, "-m", f"fanlight_{kind}"]
        assert spec.environment["FANLIGHT_ID"] == name
        assert spec.environment["FANLIGHT_RUNTIME_DIR"] == "/r"
        assert spec.environment["FANLIGHT_HEALTH_PORT"] == "0"
        assert spec.essential
    capture = plan["capture-main"].environment
    assert capture["FANLIGHT_CAPTURE_DESK"] == "main"
    assert capture["FANLIGHT_CAPTURE_SOURCE"] == "x11"
    assert capture["FANLIGHT_CAPTURE_DISPLAY"] == ":7"
    assert capture["XAUTHORITY"] == "/r/xauthority"
    gateway = plan["gateway"]
    assert gateway.environment["FANLIGHT_GATEWAY_HOST"] == "0.0.0.0"
    assert gateway.environment["FANLIGHT_GATEWAY_PORT"] == "80"
    assert gateway.environment["FANLIGHT_GATEWAY_SECRET_FILE"] == "/s/secret"
    assert gateway.note == "http://127.0.0.1:80"
    # It asks for no token, so that only this machine may reach it.
    screenshot = plan["screenshot"].environment
    assert screenshot["FANLIGHT_SCREENSHOT_HOST"] == "127.0.0.1"
    assert screenshot["FANLIGHT_SCREENSHOT_PORT"] == "81"


def test_links_of_the_desk_s_terminal_lead_to_these_services() -> None:
    options = UpOptions("0.0.0.0", 80, 81, 2, "/s/secret")
    assert token_environment(options) == {
        "FANLIGHT_URL": "http://127.0.0.1:80",
        "FANLIGHT_GATEWAY_SECRET_FILE": "/s/secret",
    }
