"""Settings: a wrong one is named."""

import pytest

from fanlight_capture.core.pattern import PatternMode
from fanlight_capture.settings import CaptureSettings
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import load


def test_settings_name_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_CAPTURE_DESK", "Not A Name")
    with pytest.raises(ConfigurationError, match="FANLIGHT_CAPTURE_DESK"):
        load(CaptureSettings)
    monkeypatch.setenv("FANLIGHT_CAPTURE_DESK", "second")
    monkeypatch.setenv("FANLIGHT_CAPTURE_DISPLAY", "")
    monkeypatch.setenv("DISPLAY", ":77")
    settings = load(CaptureSettings)
    assert settings.desk == "second"
    assert settings.display_name == ":77"
    assert all(field.description for field in CaptureSettings.model_fields.values())


def test_the_mode_of_the_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(CaptureSettings).pattern_mode == PatternMode(1280, 720, 30.0)
    monkeypatch.setenv("FANLIGHT_CAPTURE_PATTERN", "321x243@0.5")
    assert load(CaptureSettings).pattern_mode == PatternMode(321, 243, 0.5)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is not written as WIDTHxHEIGHT@FPS"),
        ("1280x720", "is not written as"),
        ("1280x720@", "is not written as"),
        ("1280x720@-1", "is not written as"),
        ("1280x720@nan", "is not written as"),
        (" 1280x720@30", "is not written as"),
        ("\u0661280x720@30", "is not written as"),
        ("255x720@30", "width 255 is not in 256 to 16384"),
        ("16385x720@30", "width 16385 is not in"),
        ("1280x95@30", "height 95 is not in 96 to 16384"),
        ("1280x16385@30", "height 16385 is not in"),
        ("1280x720@240.1", "240.1 pictures a second are more than 240"),
    ],
)
def test_a_wrong_mode_is_named(value: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_CAPTURE_PATTERN", value)
    with pytest.raises(ConfigurationError, match="FANLIGHT_CAPTURE_PATTERN: ") as raised:
        load(CaptureSettings)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    "name",
    ["PATTERN_WIDTH", "PATTERN_FPS", "SILENCE_S", "POINTER_INTERVAL_S", "DISPLAY_TIMEOUT_S"],
)
def test_what_is_no_setting_any_more_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"FANLIGHT_CAPTURE_{name}", "1")
    with pytest.raises(ConfigurationError, match=f"unknown setting FANLIGHT_CAPTURE_{name}"):
        load(CaptureSettings)
