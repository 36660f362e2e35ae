"""Who may reach whom: the network policies, evaluated for every pair of pods and every port.

The rules are those of networking.k8s.io/v1: a pod that some policy selects accepts (or sends) only
what one of them names; a connection has to be allowed at both of its ends.
"""

from dataclasses import dataclass

import pytest

from tests.kubernetes.rendered import (
    COMPONENTS,
    RENDERINGS,
    WORKLOADS,
    Manifest,
    containers,
    deployed,
    matches,
    of_kind,
    template,
)

OWN = "here"
"""The namespace of everything here."""


@dataclass(frozen=True)
class Pod:
    """The parts of a pod that a policy looks at."""

    name: str
    labels: tuple[tuple[str, str], ...]
    namespace: str = OWN


INGRESS = Pod("ingress-nginx", (("app.kubernetes.io/component", "controller"),), "ingress-nginx")
PROMETHEUS = Pod("prometheus", (("app.kubernetes.io/name", "prometheus"),), "monitoring")
STRANGER = Pod("stranger", (("app", "shop"),))
FOREIGNER = Pod(
    "foreigner",
    (("app.kubernetes.io/part-of", "fanlight"), ("app.kubernetes.io/component", "gateway")),
    "elsewhere",
)
DNS = Pod("dns", (("k8s-app", "kube-dns"),), "kube-system")
OTHERS = (INGRESS, PROMETHEUS, STRANGER, FOREIGNER, DNS)

KINDS = ("desk", "encoder", "screenshot", "gateway")
BUS = {7410, 7411}
BASE = {
    **{("directory", port): {"directory", *KINDS} for port in (7400, 7401)},
    **{("desk", port): {"encoder", "screenshot", "gateway"} for port in BUS},
    **{("encoder", port): {"gateway"} for port in BUS},
    ("screenshot", 8081): {"gateway"},
}
"""Who has to reach which port, as the table of docs/kubernetes.md says. All else has to be shut."""


def expected(name: str) -> dict[tuple[str, int], set[str]]:
    """Return BASE with what the rendering's components add."""
    found = {key: set(who) for key, who in BASE.items()}
    parts = set(COMPONENTS) if name == "everything" else {name}
    if "encoder-in-desk" in parts:
        for port in (7412, 7413):
            found["desk", port] = {"gateway"}
        for port in BUS:
            found["desk", port].add("desk")
    if "ingress-nginx" in parts:
        found["gateway", 8080] = {"ingress-nginx"}
    if "monitoring" in parts:
        for kind in ("directory", *KINDS):
            found[kind, 9100] = {"prometheus"}
        if "encoder-in-desk" in parts:
            found["desk", 9101] = {"prometheus"}
    if "agent" in parts:
        for (kind, port), who in BASE.items():
            if "desk" in who:
                found[kind, port].add("agent")
            if kind == "desk":
                found["agent", port] = set(who)
    return found


def allows(policies: list[Manifest], pod: Pod, peer: Pod, port: int, way: str) -> bool:
    """Return whether `pod` may accept ("Ingress") or open ("Egress") a connection with `peer`."""
    if pod.namespace != OWN:
        return True  # no policy applies to pods of others
    ours = [
        p["spec"]
        for p in policies
        if way in p["spec"]["policyTypes"] and matches(p["spec"]["podSelector"], dict(pod.labels))
    ]
    if not ours:
        return True
    side = "from" if way == "Ingress" else "to"
    return any(
        {"protocol": "TCP", "port": port} in rule["ports"]
        and any(is_peer(choice, peer) for choice in rule[side])
        for spec in ours
        for rule in spec.get(way.lower(), [])
    )


def is_peer(choice: Manifest, peer: Pod) -> bool:
    """Return whether one entry of `from` or `to` chooses this pod."""
    if "ipBlock" in choice:
        # Pods have private addresses.
        return "10.0.0.0/8" not in choice["ipBlock"]["except"]
    namespace = {"kubernetes.io/metadata.name": peer.namespace}
    if "namespaceSelector" in choice:
        if not matches(choice["namespaceSelector"], namespace):
            return False
    elif peer.namespace != OWN:
        return False
    return matches(choice.get("podSelector", {}), dict(peer.labels))


def pods(name: str) -> list[tuple[Pod, set[int]]]:
    """Return the pods of a rendering, and the ports on which each listens."""
    found = []
    for workload in of_kind(deployed(name), *WORKLOADS):
        called = workload["metadata"]["name"].removeprefix("fanlight-")
        labels = tuple(template(workload)["metadata"]["labels"].items())
        ports = {p["containerPort"] for c in containers(workload) for p in c.get("ports", [])}
        found.append((Pod(called, labels), ports))
    return found


@pytest.mark.parametrize("name", RENDERINGS)
def test_everybody_reaches_whom_it_needs_and_nobody_else(name: str) -> None:
    policies = of_kind(deployed(name), "NetworkPolicy")
    everybody = [*(pod for pod, _ in pods(name)), *OTHERS]
    found: dict[tuple[str, int], set[str]] = {}
    for pod, ports in pods(name):
        for port in ports:
            for peer in everybody:
                # A peer of the same kind is another pod than this one.
                if allows(policies, pod, peer, port, "Ingress") and allows(
                    policies, peer, pod, port, "Egress"
                ):
                    found.setdefault((pod.name, port), set()).add(peer.name)
    assert found == expected(name)


@pytest.mark.parametrize("name", RENDERINGS)
def test_pods_can_ask_for_names_and_nothing_else(name: str) -> None:
    policies = of_kind(deployed(name), "NetworkPolicy")
    for pod, _ in pods(name):
        assert allows(policies, pod, DNS, 53, "Egress")
        for port in (22, 53, 80, 443, 6443):
            assert not allows(policies, pod, STRANGER, port, "Egress"), (pod, port)


def test_strangers_stay_free() -> None:
    """The policies apply to fanlight's pods alone, because others may be in the namespace."""
    policies = of_kind(deployed("everything"), "NetworkPolicy")
    assert allows(policies, STRANGER, FOREIGNER, 80, "Ingress")
    assert allows(policies, STRANGER, FOREIGNER, 80, "Egress")
