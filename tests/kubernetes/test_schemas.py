"""What is rendered is what the API server knows: the schemas that Kubernetes publishes, strictly.

Strictly: a field that is not in the schema is an error, so that a misspelt one is.
"""

import copy
import functools

import kubernetes_validate
import pytest
from kubernetes_validate import utils

from tests.kubernetes.rendered import RENDERINGS, Manifest, called, every_manifest, rendered

OLDEST = (1, 30)
"""The first version that has the preStop `sleep` by default; docs/kubernetes.md names it."""
VERSIONS = sorted({v for v in utils.all_versions() if tuple(map(int, v.split(".")[:2])) >= OLDEST})
UNPUBLISHED = {"PodMonitor"}
"""A kind of the Prometheus operator, of which Kubernetes has no schema: see test_pod_monitor."""


@pytest.fixture(autouse=True, scope="module")
def _read_schemas_once() -> None:
    # Otherwise the 1.8 MB of definitions would be parsed for each manifest.
    if not hasattr(utils.schema_contents, "cache_info"):
        utils.schema_contents = functools.cache(utils.schema_contents)


@pytest.mark.parametrize("name", RENDERINGS)
def test_renders(name: str) -> None:
    names = [(m["apiVersion"], called(m)) for m in rendered(name)]
    assert names
    assert len(set(names)) == len(names)


def test_enough_versions_are_looked_at() -> None:
    assert len(VERSIONS) >= 8


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_its_schema(version: str) -> None:
    looked_at = 0
    for manifest in every_manifest():
        if manifest["kind"] not in UNPUBLISHED:
            kubernetes_validate.validate(manifest, version, strict=True)
            looked_at += 1
    assert looked_at > 30


def test_a_misspelt_field_is_noticed() -> None:
    (manifest,) = [m for m in rendered("base") if called(m) == "Deployment/fanlight-gateway"]
    spoilt: Manifest = copy.deepcopy(manifest)
    spec = spoilt["spec"]["template"]["spec"]
    spec["terminationGraceperiodSeconds"] = spec.pop("terminationGracePeriodSeconds")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoilt, VERSIONS[-1], strict=True)


def test_pod_monitor() -> None:
    """Its fields are those of monitoring.coreos.com/v1 that the operator has had since 0.42."""
    monitors = [m for m in every_manifest() if m["kind"] in UNPUBLISHED]
    assert monitors
    for monitor in monitors:
        assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
        assert set(monitor["spec"]) <= {"selector", "podTargetLabels", "podMetricsEndpoints"}
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            assert set(endpoint) == {"port", "path", "interval"}
