"""The process: what it prints and how it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from fanlight_common.process.settings import BusSettings

pytestmark = pytest.mark.processes


def start(bus_settings: BusSettings, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "fanlight_encoder"],
        env={**os.environ, "FANLIGHT_RUNTIME_DIR": str(bus_settings.runtime_dir), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_says_what_codec_it_took_and_stops_on_a_signal(bus_settings: BusSettings) -> None:
    with start(bus_settings, FANLIGHT_ID="enc") as process:
        assert process.stderr is not None
        while "event=codec took=" not in process.stderr.readline():
            assert process.poll() is None
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait() == 0
        assert time.monotonic() - asked < 2


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"FANLIGHT_ENCODER_QMIN": "99"}, "FANLIGHT_ENCODER_QMIN"),
        ({"FANLIGHT_ENCODER_BITRAT": "99"}, "FANLIGHT_ENCODER_BITRAT"),
        ({"FANLIGHT_ENCODER_CODEC": "h264_vaapi"}, "h264_vaapi does not work"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_2(
    bus_settings: BusSettings, environment: dict[str, str], said: str
) -> None:
    with start(bus_settings, **environment) as process:
        _, errors = process.communicate()
    assert process.returncode == 2
    (line,) = [line for line in errors.splitlines() if line.startswith("fanlight-encoder: ")]
    assert said in line
    assert "Traceback" not in errors
