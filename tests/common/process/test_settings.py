"""Settings: defaults, and errors that name the variable."""

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings, load


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FANLIGHT_TEST_", frozen=True)
    rate: int = Field(default=5, ge=1, le=10)


def test_defaults_and_values(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(_Settings).rate == 5
    monkeypatch.setenv("FANLIGHT_TEST_RATE", "7")
    assert load(_Settings).rate == 7


@pytest.mark.parametrize("value", ["0", "11", "fast", ""])
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FANLIGHT_TEST_RATE", value)
    with pytest.raises(ConfigurationError, match="FANLIGHT_TEST_RATE: "):
        load(_Settings)


def test_a_misspelt_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_TEST_RAET", "7")
    with pytest.raises(ConfigurationError, match="unknown setting FANLIGHT_TEST_RAET"):
        load(_Settings)


def test_bus_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_HEARTBEAT_TIMEOUT_S", "0")
    with pytest.raises(ConfigurationError, match="FANLIGHT_HEARTBEAT_TIMEOUT_S"):
        load(BusSettings)
    monkeypatch.setenv("FANLIGHT_HEARTBEAT_TIMEOUT_S", "2")
    assert load(BusSettings).heartbeat_timeout_s == 2
    assert load(BusSettings).heartbeat_interval_s == 0.5
    monkeypatch.setenv("FANLIGHT_HEARTBEAT_TIMEOUT_S", "60")
    assert load(BusSettings).heartbeat_interval_s == 1


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(_Settings).rate = 6  # type: ignore[misc]
