"""What is in the images, and how they run."""

import json
from typing import Any

import pytest

from tests.compose.project import docker, fails

SERVICES = ("directory", "capture", "encoder", "screenshot", "gateway", "desk")
LARGEST_MB = {"desk": 700, "encoder": 450}
"""Far above the present sizes (MB): a compiler or a second copy of everything would exceed it."""
HARDENED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none", "--rm"]
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
modules = [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for module in modules:
    if not module.endswith("__main__"):
        importlib.import_module(module)
print(len(modules))
"""


def config(image: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("image", "inspect", image))[0]["Config"]
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is(images: dict[str, str], service: str) -> None:
    found = config(images[service])
    assert found["User"] == "10001:10001"
    package = "capture" if service == "desk" else service
    if service == "desk":
        assert found["Entrypoint"] == ["/usr/lib/fanlight/desk"]
    else:
        assert found["Cmd"] == ["python", "-m", f"fanlight_{package}"], "exec form, for SIGTERM"
    assert found["Healthcheck"]["Test"][:2] == ["CMD", "bash"]
    labels = found["Labels"]
    assert labels["org.opencontainers.image.title"] == f"fanlight {service}"
    gpl = "GPL" in labels["org.opencontainers.image.licenses"]
    assert gpl == (service == "encoder")
    size = int(docker("image", "inspect", "--format", "{{.Size}}", images[service]))
    assert size < LARGEST_MB.get(service, 350) * 1e6


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_what_its_service_imports(images: dict[str, str], service: str) -> None:
    package = "capture" if service == "desk" else service
    python = ["--entrypoint", "python", images[service], "-c", IMPORT_ALL]
    assert int(docker("run", *HARDENED, *python, f"fanlight_{package}")) > 3


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_no_tools_to_build_with(images: dict[str, str], service: str) -> None:
    for tool in ("pip", "gcc", "curl"):
        bash = ["--entrypoint", "bash", images[service], "-c", f"command -v {tool}"]
        fails("run", *HARDENED, *bash)
    fails("run", *HARDENED, "--entrypoint", "python", images[service], "-c", "import pip")


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_the_licences(images: dict[str, str], service: str) -> None:
    script = "head -n 1 /usr/share/doc/fanlight/licences.md; ls /usr/share/doc/*/copyright | wc -l"
    bash = ["--entrypoint", "bash", images[service], "-c", script]
    title, copyrights = docker("run", *HARDENED, *bash).splitlines()
    assert "Licences" in title
    assert int(copyrights) > 80


def test_wrong_settings_of_a_desk_are_one_clear_line(images: dict[str, str]) -> None:
    may = ["--cap-add", "SETUID", "--cap-add", "SETGID"]
    said = fails("run", *HARDENED, *may, "-e", "DESK_SIZE=big", images["desk"])
    assert "desk: DESK_SIZE: 'big' is no size such as 1280x720" in said
    said = fails("run", *HARDENED, *may, "-e", "DESK_UID=10001", images["desk"])
    assert "DESK_UID: '10001' may not be" in said
    said = fails("run", *HARDENED, images["desk"])
    assert "needs cap_add SETUID and SETGID" in said, "applications never run as capture's user"
