"""The monitoring overlay on a real engine: Prometheus finds every container, also later ones.

If no registry can be reached, Debian's Prometheus stands in, in an image of the overlay's name.
Grafana is not started then, because there is none to be had; tests/monitoring tests the expressions
of its dashboard.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.compose.project import LIMIT_S, ROOT, SERVICES, Project, docker
from tests.e2e.processes import wait_ready, wait_until

OVERLAY = ROOT / "docker-compose.monitoring.yml"
IMAGE = yaml.safe_load(OVERLAY.read_text())["services"]["prometheus"]["image"]
STAND_IN = """
FROM debian:bookworm-slim
COPY prometheus /bin/prometheus
RUN mkdir /prometheus && chown 65534:65534 /prometheus
USER 65534
VOLUME /prometheus
ENTRYPOINT ["/bin/prometheus"]
"""


@pytest.fixture(scope="module")
def prometheus_image(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Provide the overlay's image, or one that does the same."""
    for command in (["inspect", "--type", "image", IMAGE], ["pull", IMAGE]):
        found = subprocess.run(["docker", *command], capture_output=True, check=False)
        if found.returncode == 0:
            return
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no registry, and no Prometheus of Debian's here (scripts/setup test)")
    context: Path = tmp_path_factory.mktemp("prometheus")
    shutil.copy(program, context / "prometheus")
    (context / "Dockerfile").write_text(STAND_IN)
    docker("build", "--tag", IMAGE, str(context), limit_s=300)


class Monitored(Project):
    """The stack with Prometheus."""

    def targets(self) -> Counter[str]:
        """Return how many containers of each service Prometheus scrapes without an error."""
        url = f"http://127.0.0.1:{self.port('prometheus', 9090)}/api/v1/query"
        answer = httpx.get(url, params={"query": "up == 1"}, trust_env=False, timeout=20)
        found = answer.json()["data"]["result"]
        return Counter(series["metric"]["service"] for series in found)


@pytest.fixture(scope="module")
def monitored(images: dict[str, str], prometheus_image: None) -> Iterator[Monitored]:
    project = Monitored("fanlight-monitored", OVERLAY, FANLIGHT_PROMETHEUS="127.0.0.1:")
    try:
        project.up("--scale", "encoder=2", "prometheus", *SERVICES)
        wait_ready(f"http://127.0.0.1:{project.port('prometheus', 9090)}/-/ready", limit_s=LIMIT_S)
        yield project
    finally:
        project.down()


def test_every_container_is_scraped_and_later_ones_are_found(monitored: Monitored) -> None:
    expected = Counter(dict.fromkeys(SERVICES, 1)) + Counter(encoder=1)
    wait_until(lambda: monitored.targets() == expected, "all to be scraped", 2 * LIMIT_S)
    monitored.up("--scale", "encoder=3", "prometheus", *SERVICES)
    expected["encoder"] = 3
    wait_until(lambda: monitored.targets() == expected, "the third encoder", 2 * LIMIT_S)
