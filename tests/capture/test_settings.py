"""Settings: a wrong one is named."""

import pytest

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
