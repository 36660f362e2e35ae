"""A client that is no browser speaks docs/protocol.md to the real services."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from fanlight_common.protocol import binary, control
from tests.e2e.processes import Stack

pytestmark = [pytest.mark.x11, pytest.mark.processes]


@pytest.fixture
def client(stack: Stack) -> Iterator[ClientConnection]:
    token = stack.link.split("#token=")[1]
    with connect(
        f"ws://127.0.0.1:{stack.port}/api/desks/main/stream",
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        max_size=None,
        proxy=None,
    ) as connection:
        welcome = control.decode_from_gateway(str(connection.recv(10)))
        assert isinstance(welcome, control.Welcome)
        assert (welcome.protocol, welcome.desk, welcome.role) == (2, "main", "control")
        yield connection


def units(client: ClientConnection) -> Iterator[binary.VideoUnit]:
    """Yield units, each of which is first acknowledged as received and painted."""
    while True:
        message = client.recv(10)
        if isinstance(message, bytes):
            unit = binary.decode_from_gateway(message)
            if isinstance(unit, binary.VideoUnit):
                client.send(binary.Ack(0, unit.epoch, unit.sequence, unit.sequence).encode())
                yield unit


def test_keyframes_only_is_one_self_contained_picture_after_another_and_never_stalls(
    client: ClientConnection, tmp_path: Path
) -> None:
    client.send(control.Hello("e2e-keyframes", video_enabled=True, keyframes_only=True).encode())
    seen = list(itertools.islice(units(client), 5))  # nothing moves on the desk
    assert all(unit.idr for unit in seen)
    assert [u.sequence for u in seen] == list(range(seen[0].sequence, seen[0].sequence + 5))
    # The first pair is left out: a keyframe that was asked for when the gateway subscribed may
    # follow at once.
    for before, after in itertools.pairwise(seen[1:]):
        assert 0.5e6 < after.captured_us - before.captured_us < 5e6
    # The last one can be decoded by itself.
    (tmp_path / "unit.h264").write_bytes(seen[-1].payload)
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,width",
         "-of", "csv=p=0", str(tmp_path / "unit.h264")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert probe.stdout.strip() == "1280,1"


def test_from_keyframes_to_all_of_it_without_a_reconnect(
    client: ClientConnection, moving: subprocess.Popen[str]
) -> None:
    client.send(control.Hello("e2e-switches", video_enabled=True, keyframes_only=True).encode())
    assert next(units(client)).idr
    client.send(control.SetKeyframesOnly(False).encode())
    assert any(not unit.idr for unit in itertools.islice(units(client), 20))
    client.send(control.RequestIdr().encode())
    assert any(unit.idr for unit in itertools.islice(units(client), 60))


def test_the_stream_is_what_decoders_like(
    client: ClientConnection, tmp_path: Path, moving: subprocess.Popen[str]
) -> None:
    client.send(control.Hello("e2e-ffprobe", video_enabled=True, keyframes_only=False).encode())
    seen = list(itertools.islice(units(client), 5))
    assert seen[0].idr
    stream = tmp_path / "stream.h264"
    stream.write_bytes(b"".join(bytes(unit.payload) for unit in seen))
    entries = "profile,level,has_b_frames,color_space,color_primaries,color_transfer,color_range"
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", f"stream={entries}", "-of",
         "default=noprint_wrappers=1", str(stream)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = dict(line.split("=") for line in probe.stdout.split("\n") if line)
    assert found == {
        "profile": "Constrained Baseline",
        "level": "32",
        "has_b_frames": "0",
        "color_space": "bt709",
        "color_primaries": "bt709",
        "color_transfer": "bt709",
        "color_range": "tv",
    }
    trace = subprocess.run(
        ["ffmpeg", "-v", "trace", "-i", str(stream), "-c", "copy", "-bsf:v", "trace_headers",
         "-f", "null", "-"],
        check=True, capture_output=True, text=True,
    ).stderr  # fmt: skip
    reorder = [line.split("= ")[1] for line in trace.splitlines() if "max_num_reorder" in line]
    assert reorder
    assert set(reorder) == {"0"}
    times = [unit.captured_us for unit in seen]
    assert times == sorted(set(times))
    assert times[0] > 0
