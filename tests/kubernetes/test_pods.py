"""The pods of the manifests, run as a kubelet would (see `cluster`), find each other and work."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.kubernetes.rendered import ROOT

pytestmark = [
    pytest.mark.x11,
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces"),
]


@pytest.fixture(scope="module")
def found() -> Any:
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc",
         sys.executable, "-m", "tests.kubernetes.cluster"],
        cwd=ROOT, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "error" not in found, json.dumps(found, indent=1)
    return found


def test_every_probe_is_answered(found: Any) -> None:
    assert len(found["probes"]) >= 10
    assert set(found["probes"].values()) == {200}, found


def test_desks_are_called_as_their_pods(found: Any) -> None:
    """fanlight's own desk is live, and so is the agent's, whose X server asks for a cookie."""
    assert found["desks"] == {"desk-0": [1920, 1080], "agent-0": [1920, 1080]}


def test_a_viewer_gets_video(found: Any) -> None:
    assert all(size > 0 for size in found["units"])


def test_screenshots_want_the_gateways_token_and_get_it(found: Any) -> None:
    assert found["screenshot"] == [200, "ffd8ff"]  # JPEG


def test_the_x_server_writes_into_captures_memory(found: Any) -> None:
    for pod in ("desk-0", "agent-0"):
        assert set(found["direct"][f"{pod}/capture"]) == {"true"}


def test_pixels_stay_in_the_pod(found: Any) -> None:
    """The encoder beside the desk reads frames from memory; processes in other pods cannot."""
    assert set(found["lanes"]["desk-0/encoder"]) == {"shm"}
    (screenshot,) = [name for name in found["lanes"] if name.endswith("/screenshot")]
    assert set(found["lanes"][screenshot]) == {"pixels"}
