"""Ports that are free, and ports that are not."""

import re
import socket

import pytest

from fanlight_common.core.errors import ConfigurationError
from fanlight_launcher.machine import ports
from fanlight_launcher.machine.ports import check_ports, screenshot_port
from tests.ports import free_port

HOST = "127.0.0.1"


def test_screenshots_have_the_port_above_the_page_s() -> None:
    assert screenshot_port(8080, None) == 8081
    assert screenshot_port(65535, 8081) == 8081
    with pytest.raises(ConfigurationError, match="there is none; choose a lower one"):
        screenshot_port(65535, None)
    with pytest.raises(ConfigurationError, match="are the same"):
        screenshot_port(8080, 8080)


def test_free_ports_are_fine() -> None:
    port = free_port(2)
    check_ports(HOST, port, None)
    check_ports(HOST, port, port + 1)


def test_a_taken_port_is_named_with_one_that_is_free() -> None:
    port = free_port(4)
    with socket.create_server((HOST, port)):
        with pytest.raises(ConfigurationError, match=rf"^--port {port}: .*in use") as caught:
            check_ports(HOST, port, None)
        assert str(caught.value).endswith(f"--port {port + 1} is free")
        # The page's port is free, but the port above it is not.
        with pytest.raises(ConfigurationError, match=rf"^--port {port - 1}: .*:{port} \(in use"):
            check_ports(HOST, port - 1, None)
        with pytest.raises(ConfigurationError, match=rf"^--screenshot-port {port}: .*in use"):
            check_ports(HOST, port + 1, port)


def test_the_free_port_that_is_named_is_free_for_both() -> None:
    port = free_port(6)
    with socket.create_server((HOST, port)), socket.create_server((HOST, port + 2)):
        with pytest.raises(ConfigurationError) as caught:
            check_ports(HOST, port, None)
        found = re.search(r"--port (\d+) is free$", str(caught.value))
        assert found
        assert int(found[1]) >= port + 3
        check_ports(HOST, int(found[1]), None)
        with pytest.raises(ConfigurationError, match=f"--port {port + 3} is free$"):
            check_ports(HOST, port, port + 1)


def test_where_no_port_is_free_the_host_may_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_TRIED_PORTS", 10)
    # An address for examples, which no machine has.
    with pytest.raises(ConfigurationError, match="choose another --port or --host"):
        check_ports("192.0.2.1", free_port(), None)
    with pytest.raises(ConfigurationError, match=r"--host nowhere\.invalid"):
        check_ports("nowhere.invalid", free_port(), None)
