"""All pods keep to the restricted Pod Security Standard, and have only the secrets they need."""

import pytest

from tests.kubernetes.rendered import (
    RENDERINGS,
    ROOT,
    WORKLOADS,
    Manifest,
    Placed,
    called,
    containers,
    every_manifest,
    everywhere,
    of_kind,
    placed,
    rendered,
    template,
)

pods = pytest.mark.parametrize(
    "workload", [m for m in every_manifest() if m["kind"] in WORKLOADS], ids=called
)
ALL = everywhere()
FANLIGHT_UID, APPLICATIONS_UID = 10001, 10002


def user(one: Placed) -> int:
    """Return the uid as which a container runs."""
    pod = template(one.workload)["spec"]["securityContext"]
    uid: int = one.container["securityContext"].get("runAsUser", pod["runAsUser"])
    return uid


@pods
def test_restricted(workload: Manifest) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards, "restricted"."""
    spec = template(workload)["spec"]
    for door in ("hostNetwork", "hostPID", "hostIPC"):
        assert door not in spec
    # No container may look into another's processes, whose memory has keys.
    assert not spec.get("shareProcessNamespace")
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "sysctls" not in spec["securityContext"]
    for volume in spec["volumes"]:
        assert set(volume) <= {"name", "emptyDir", "secret"}
    for container in containers(workload):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in context
        assert "seccompProfile" not in context
        assert context.get("runAsUser") != 0
        assert all("hostPort" not in port for port in container.get("ports", []))


@pods
def test_nobody_talks_to_the_api_server(workload: Manifest) -> None:
    assert template(workload)["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("one", ALL, ids=str)
def test_file_systems_are_read_only_and_tmp_is_there(one: Placed) -> None:
    context = one.container["securityContext"]
    if one.container["image"].startswith("fanlight/"):
        assert context["readOnlyRootFilesystem"] is True
        assert "emptyDir" in one.mount_of("/tmp/anything")[1]


@pytest.mark.parametrize("one", ALL, ids=str)
def test_memory_is_limited_and_cpu_is_not(one: Placed) -> None:
    resources = one.container["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    # Linux enforces a limit of CPU by stopping the process for up to 0.1 s.
    assert set(resources["limits"]) == {"memory"}


@pytest.mark.parametrize("one", ALL, ids=str)
def test_the_key_of_the_bus_is_with_services_alone(one: Placed) -> None:
    secrets = {
        volume["secret"]["secretName"]
        for volume in template(one.workload)["spec"]["volumes"]
        for mount in one.container["volumeMounts"]
        if "secret" in volume and mount["name"] == volume["name"]
    }
    expected = {
        "": set(),
        "gateway": {"fanlight-bus", "fanlight-token"},
        "screenshot": {"fanlight-bus", "fanlight-token"},
    }.get(one.service, {"fanlight-bus"})
    assert secrets == expected


@pytest.mark.parametrize("one", ALL, ids=str)
def test_secret_files_are_where_they_are_looked_for(one: Placed) -> None:
    """The files are readable by the pod's group, and not by others."""
    for variable in [v for v in one.env if v.endswith(("_BUS_KEYS", "_SECRET_FILE"))]:
        name, volume = one.mount_of(one.env[variable])
        assert volume["secret"]["defaultMode"] == 0o440
        assert template(one.workload)["spec"]["securityContext"]["fsGroup"] == FANLIGHT_UID
        document = (ROOT / "docs/kubernetes.md").read_text()
        (line,) = [
            line
            for line in document.splitlines()
            if line.startswith(f"kubectl create secret generic {volume['secret']['secretName']} ")
        ]
        assert f"--from-file={name}=" in line


@pytest.mark.parametrize("one", ALL, ids=str)
def test_a_secret_that_changes_is_seen(one: Placed) -> None:
    """No secret is mounted by subPath, because such a file never changes."""
    assert all("subPath" not in mount for mount in one.container["volumeMounts"])


def test_no_secret_is_in_the_manifests() -> None:
    assert not [m for m in every_manifest() if m["kind"] == "Secret"]


def test_the_certificate_is_documented() -> None:
    (ingress,) = of_kind(rendered("ingress-nginx"), "Ingress")
    (tls,) = ingress["spec"]["tls"]
    document = (ROOT / "docs/kubernetes.md").read_text()
    assert f"kubectl create secret tls {tls['secretName']} " in document


def desk_pods() -> list[tuple[str, list[Placed]]]:
    """Return every pod that has a capture."""
    found = []
    for name in RENDERINGS:
        for workload in of_kind(rendered(name), "StatefulSet"):
            pod = [one for one in placed(name) if one.workload == workload]
            found.append((f"{name}:{called(workload)}", pod))
    return found


@pytest.mark.parametrize(("name", "pod"), desk_pods(), ids=[name for name, _ in desk_pods()])
def test_shared_memory_is_for_the_x_server_and_services(name: str, pod: list[Placed]) -> None:
    """All but the applications have one uid, because segments have mode 0600."""
    (capture,) = [one for one in pod if one.service == "capture"]
    assert user(capture) == FANLIGHT_UID
    for one in pod:
        if one.container["name"] == "applications":
            assert user(one) == APPLICATIONS_UID
        else:
            assert user(one) == FANLIGHT_UID


@pytest.mark.parametrize(("name", "pod"), desk_pods(), ids=[name for name, _ in desk_pods()])
def test_the_display_is_shared_by_its_socket_alone(name: str, pod: list[Placed]) -> None:
    sharing = [one for one in pod if one.service != "encoder"]
    sockets = {str(one.mount_of("/tmp/.X11-unix/X0")[1]) for one in sharing}
    assert len(sockets) == 1
    tmps = [
        one.mount_of("/tmp/anything")[1]["name"]
        for one in pod
        if one.container["image"].startswith("fanlight/")
    ]
    assert len(set(tmps)) == len(tmps)
    (capture,) = [one for one in pod if one.service == "capture"]
    assert capture.env["FANLIGHT_CAPTURE_DISPLAY"] == ":0"
    assert capture.env["FANLIGHT_CAPTURE_DESK"] == capture.env["FANLIGHT_ID"] == "desk-0"
    for one in pod:
        if "DISPLAY" in one.env:
            assert one.env["DISPLAY"] == ":0"
