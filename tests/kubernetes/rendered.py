"""The manifests of deploy/kubernetes as `kubectl kustomize` makes them, and questions about them.

The kubectl is the real one, from PyPI. It talks to no cluster.
"""

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
KUBECTL = Path(sys.executable).with_name("kubectl")
COMPONENTS = tuple(sorted(path.name for path in (KUBERNETES / "components").iterdir()))
RENDERINGS = ("base", *COMPONENTS, "everything", "agent")
"""The base alone, with each component, with all of them, and the example that joins a fanlight."""
WORKLOADS = ("Deployment", "StatefulSet")
SAMPLE = {"metadata.name": "desk-0", "status.podIP": "10.1.2.3"}
"""What the downward API says in these tests."""

Manifest = dict[str, Any]


def kustomize(folder: Path) -> list[Manifest]:
    """Return the manifests that `kubectl apply -k FOLDER` would apply."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [KUBECTL, "kustomize", folder],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": home},
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    # kubectl warns here of deprecated fields, which still work, but not for long.
    assert not done.stderr, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def overlay(text: str) -> list[Manifest]:
    """Return what a kustomization.yaml gives; `fanlight/` in it is this repository."""
    with tempfile.TemporaryDirectory() as folder:
        here = os.path.relpath(ROOT, Path(folder).resolve())
        path = Path(folder) / "kustomization.yaml"
        path.write_text(text.replace("fanlight/deploy/", f"{here}/deploy/"))
        return kustomize(Path(folder))


@functools.cache
def rendered(name: str) -> tuple[Manifest, ...]:
    """Return the manifests of one of RENDERINGS."""
    if name == "base":
        return tuple(kustomize(KUBERNETES / "base"))
    if name == "agent":
        return tuple(kustomize(KUBERNETES / "examples" / "agent"))
    components = COMPONENTS if name == "everything" else (name,)
    own = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["fanlight/deploy/kubernetes/base"],
        "components": [f"fanlight/deploy/kubernetes/components/{one}" for one in components],
    }
    return tuple(overlay(yaml.safe_dump(own)))


@functools.cache
def deployed(name: str) -> tuple[Manifest, ...]:
    """Return what runs in the namespace then; the example runs beside what `base` made."""
    return rendered(name) + (rendered("base") if name == "agent" else ())


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def called(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def template(workload: Manifest) -> Manifest:
    """Return the pod template of a Deployment or StatefulSet."""
    made: Manifest = workload["spec"]["template"]
    return made


def containers(workload: Manifest) -> list[Manifest]:
    spec = template(workload)["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def image_of(container: Manifest) -> tuple[str, str]:
    """Return name and tag: ("fanlight/gateway", "0.1.0")."""
    name, _, tag = container["image"].partition(":")
    return name, tag


@dataclass(frozen=True)
class Placed:
    """A container, and the workload that it belongs to."""

    workload: Manifest
    container: Manifest
    environment: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{called(self.workload)}/{self.container['name']}"

    @property
    def env(self) -> dict[str, str]:
        return dict(self.environment)

    @property
    def service(self) -> str:
        """The service of fanlight that runs in it; "" for anything else."""
        name, _ = image_of(self.container)
        runs_own = "command" not in self.container
        return name.removeprefix("fanlight/") if name.startswith("fanlight/") and runs_own else ""

    def mount_of(self, path: str) -> tuple[str, Manifest]:
        """Return the path within the volume that `path` is on, and that volume."""
        mounts = sorted(self.container["volumeMounts"], key=lambda m: -len(m["mountPath"]))
        mount = next(m for m in mounts if path.startswith(m["mountPath"] + "/"))
        volumes = template(self.workload)["spec"]["volumes"]
        (volume,) = [v for v in volumes if v["name"] == mount["name"]]
        return path.removeprefix(mount["mountPath"] + "/"), volume


def environment(container: Manifest, manifests: tuple[Manifest, ...]) -> dict[str, str]:
    """Return the container's variables, with samples for what only a cluster knows."""
    maps = {m["metadata"]["name"]: m["data"] for m in of_kind(manifests, "ConfigMap")}
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]
    for entry in container.get("env", []):
        value = entry.get("value")
        if value is None:
            value = SAMPLE[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        found[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda m: found[m[1]], value)
    return found


def placed(name: str) -> Iterator[Placed]:
    """Yield every container of a rendering."""
    for workload in of_kind(rendered(name), *WORKLOADS):
        for container in containers(workload):
            yield Placed(
                workload,
                container,
                tuple(environment(container, rendered(name)).items()),
            )


def everywhere() -> list[Placed]:
    """Return every container of every rendering, each once."""
    found = {
        json.dumps([str(one), one.container, template(one.workload), one.env], sort_keys=True): one
        for name in RENDERINGS
        for one in placed(name)
    }
    return list(found.values())


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    """Return whether a label selector chooses these labels. An empty selector chooses all."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", "teach me"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def every_manifest() -> list[Manifest]:
    """Return every manifest of every rendering, each once."""
    found = {json.dumps(m, sort_keys=True): m for name in RENDERINGS for m in rendered(name)}
    return list(found.values())
