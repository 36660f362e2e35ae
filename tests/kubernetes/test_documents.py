"""What docs/kubernetes.md tells people to write can be rendered, and does what the page says."""

import re

import kubernetes_validate

from tests.kubernetes.rendered import (
    KUBERNETES,
    ROOT,
    called,
    image_of,
    matches,
    of_kind,
    overlay,
    rendered,
    template,
)

DOCUMENT = (ROOT / "docs/kubernetes.md").read_text()
EXAMPLE, HOME = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)


def test_the_overlay_does_what_it_says() -> None:
    manifests = tuple(overlay(EXAMPLE))
    (desk,) = of_kind(manifests, "StatefulSet")
    assert desk["spec"]["replicas"] == 3
    for workload in of_kind(manifests, "Deployment", "StatefulSet"):
        spec = template(workload)["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert image_of(container)[0].startswith("registry.example.org/fanlight/")
    (ingress,) = of_kind(manifests, "Ingress")
    (host,) = ingress["spec"]["tls"][0]["hosts"]
    assert ingress["spec"]["rules"][0]["host"] == host
    assert f"--url https://{host}" in DOCUMENT


def test_a_home_that_stays() -> None:
    base = "resources:\n  - fanlight/deploy/kubernetes/base\n"
    (desk,) = of_kind(tuple(overlay(base + HOME)), "StatefulSet")
    kubernetes_validate.validate(desk, "1.30", strict=True)
    (claim,) = desk["spec"]["volumeClaimTemplates"]
    # A claim template takes the place of the volume of the same name.
    assert claim["metadata"]["name"] in [v["name"] for v in template(desk)["spec"]["volumes"]]


def test_every_folder_is_named() -> None:
    folders = [p.parent for p in KUBERNETES.rglob("kustomization.yaml")]
    assert len(folders) >= 6
    for folder in folders:
        assert f"](../{folder.relative_to(ROOT)}/)" in DOCUMENT


def test_the_table_of_ports_names_every_port() -> None:
    table = DOCUMENT.split("## Who reaches whom")[1].split("\n## ")[0]
    named = {int(number) for number in re.findall(r"\b\d{2,4}\b", table)}
    for policy in of_kind(rendered("everything"), "NetworkPolicy"):
        spec = policy["spec"]
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert {port["port"] for port in rule["ports"]} <= named, called(policy)


def test_the_agents_pod_has_what_the_document_says_it_needs() -> None:
    (agent,) = of_kind(rendered("agent"), "StatefulSet")
    labels = template(agent)["metadata"]["labels"]
    for name in ("part-of: fanlight", "component: desk"):
        key, _, value = name.partition(": ")
        assert labels[f"app.kubernetes.io/{key}"] == value
        assert f"`app.kubernetes.io/{name}`" in DOCUMENT
    (policy,) = of_kind(rendered("agent"), "NetworkPolicy")
    assert matches(policy["spec"]["podSelector"], labels)
    # It does not apply to fanlight's own desks.
    for budget in of_kind(rendered("base"), "PodDisruptionBudget"):
        assert not matches(budget["spec"]["selector"], labels)
