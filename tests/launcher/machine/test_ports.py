"""Ports that are free, and ports that are not."""

import pytest

from fanlight_common.errors import ConfigurationError
from fanlight_launcher.machine.ports import check_port
from tests.ports import free_port


def test_a_taken_port_is_named(taken_port: int) -> None:
    check_port("--port", "127.0.0.1", free_port())
    with pytest.raises(ConfigurationError, match=rf"--port {taken_port}: cannot .*in use"):
        check_port("--port", "127.0.0.1", taken_port)
    with pytest.raises(ConfigurationError, match=r"--host nowhere\.invalid"):
        check_port("--port", "nowhere.invalid", free_port())
