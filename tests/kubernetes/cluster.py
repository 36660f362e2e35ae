"""Runs the pods of a rendering as processes of this machine, because there is no cluster.

It does with a manifest what a kubelet would do, as far as fanlight depends on it. Each pod has a
network namespace with an address of its own, and an IPC namespace. Each container has a mount
namespace with its volumes, its uid, no capabilities, its environment, command and probes. Services
are names in /etc/hosts. It has no images (programs are this clone's and Debian's), no read-only
roots, no seccomp and no network policies.

Run `python -m tests.kubernetes.cluster` as root, in namespaces of its own (see test_pods), so that
all of it ends with its first process. It prints what it found as JSON.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from fanlight_common.bus import curve_keys
from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_common.protocol import binary, control
from tests.kubernetes.rendered import (
    ROOT,
    WORKLOADS,
    Manifest,
    Placed,
    called,
    of_kind,
    placed,
    rendered,
    template,
)

RENDERINGS = ("encoder-in-desk", "agent")
LIMIT_S = 60.0
UNITS = 5
_MOUNTS = r"""
set -e
mount --make-rprivate /
home=/mnt  # not under /tmp, which is about to be hidden
mount -t tmpfs tmpfs "$home"
for folder in etc home; do
  mkdir "$home/$folder" "$home/$folder-work"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$home/$folder,workdir=$home/$folder-work" \
    overlay "/$folder"
done
printf '%s' "$HOSTS" >/etc/hosts
clone=$home/clone
mkdir "$clone" && mount --bind "$ROOT" "$clone"
while read -r from to; do
  mkdir -p "$to" && mount --bind "$from" "$to"
done <<<"$VOLUMES"
# A clone under /tmp was hidden by the container's own.
[[ -d $ROOT ]] || { mkdir -p "$ROOT" && mount --bind "$clone" "$ROOT"; }
unset HOSTS VOLUMES
exec "$@"
"""
# The interpreter may be in root's home, so only the capability to read root's files stays.
_USER = (
    "setpriv --reuid={uid} --regid={uid} --groups={group} --no-new-privs "
    "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "
    "--bounding-set=-all,+dac_read_search --"
)


class Pod:
    """One pod of a workload."""

    def __init__(self, workload: Manifest, number: int, work: Path) -> None:
        self.workload = workload
        name = workload["metadata"]["name"]
        self.name = (
            f"{name}-0" if workload["kind"] == "StatefulSet" else f"{name}-5d8c7b9f4-x2{number}"
        )
        self.address = f"10.77.0.{10 + number}"
        self.work = work / self.name
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", f"pod{number}", "type", "veth", "peer", "eth0", "netns", self.name)
        run("ip", "link", "set", f"pod{number}", "master", "node", "up")
        inside = ("ip", "-n", self.name)
        run(*inside, "address", "add", f"{self.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "link", "set", "lo", "up")
        # A cluster calls this the pause container.
        self._pause = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "unshare", "--ipc", "sleep", "infinity"]
        )

    def volume(self, volume: Manifest, secrets: dict[str, dict[str, bytes]]) -> Path:
        """Return the folder of a volume; makes it if it is not there yet."""
        folder = self.work / volume["name"]
        if not folder.exists():
            folder.mkdir(parents=True)
            group = template(self.workload)["spec"]["securityContext"]["fsGroup"]
            os.chown(folder, 0, group)
            folder.chmod(0o2777)
            if "secret" in volume:
                folder.chmod(0o2755)
                for name, content in secrets[volume["secret"]["secretName"]].items():
                    (folder / name).write_bytes(content)
                    os.chown(folder / name, 0, group)
                    (folder / name).chmod(volume["secret"]["defaultMode"])
        return folder

    def start(self, one: Placed, hosts: str, secrets: dict[str, dict[str, bytes]]) -> Path:
        """Start a container; return the file with its output."""
        spec = template(self.workload)["spec"]
        volumes = {v["name"]: v for v in spec["volumes"]}
        mounts = sorted(one.container["volumeMounts"], key=lambda m: len(m["mountPath"]))
        lines = [f"{self.volume(volumes[m['name']], secrets)} {m['mountPath']}" for m in mounts]
        uid = one.container["securityContext"].get(
            "runAsUser", spec["securityContext"]["runAsUser"]
        )
        user = _USER.format(uid=uid, group=spec["securityContext"]["fsGroup"]).split()
        command = [*one.container.get("command", []), *one.container.get("args", [])]
        if one.service:
            command = [str(ROOT / ".venv/bin/python"), "-m", f"fanlight_{one.service}"]
        # Real values take the place of the samples for what only a cluster knows.
        env = {
            name: value.replace("desk-0", self.name).replace("10.1.2.3", self.address)
            for name, value in one.env.items()
        }
        log = self.work / f"{one.container['name']}.log"
        with log.open("wb") as out:
            subprocess.Popen(
                [
                    *("nsenter", f"--target={self._pause.pid}", "--net", "--ipc"),
                    *("unshare", "--mount", "bash", "-c", _MOUNTS, "container", *user, *command),
                ],
                env={
                    "PATH": f"{self.work.parent}:{os.environ['PATH']}",
                    "ROOT": str(ROOT),
                    "HOSTS": hosts,
                    "VOLUMES": "\n".join(lines),
                    **env,
                },
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return log


def run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=30)


def answer(url: str, token: str = "") -> tuple[int, bytes]:
    """Return status and body; status 0 if nobody answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, None, 5
        ) as got:
            return got.status, got.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def until(condition: Any, what: str) -> Any:
    deadline = time.monotonic() + LIMIT_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)
    return value


def secret_files(work: Path) -> tuple[dict[str, dict[str, bytes]], bytes]:
    """Make secrets as docs/kubernetes.md does; return them, and the one of the tokens alone."""
    curve_keys.create(work / "keys")
    secret = os.urandom(32)
    made = {
        "fanlight-bus": {"keys": (work / "keys").read_bytes()},
        "fanlight-token": {"secret": secret},
    }
    return made, secret


def watch(gateway: str, token: str) -> list[int]:
    """Watch the desk as a viewer; return the sizes of some units."""
    sizes: list[int] = []
    with connect(
        f"ws://{gateway}/api/desks/desk-0/stream",
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        max_size=None,
        proxy=None,
    ) as client:
        client.send(control.Hello("kubernetes", video_enabled=True, keyframes_only=True).encode())
        while len(sizes) < UNITS:
            message = client.recv(LIMIT_S)
            unit = binary.decode_from_gateway(message) if isinstance(message, bytes) else None
            if isinstance(unit, binary.VideoUnit):
                client.send(binary.Ack(0, unit.epoch, unit.sequence, unit.sequence).encode())
                sizes.append(len(unit.payload))
    return sizes


def look(work: Path) -> dict[str, Any]:
    """Start all pods; return what the tests want to know of them."""
    secrets, secret = secret_files(work)
    agent = work / "your-agent"
    agent.write_text("#!/bin/sh\nexec sleep infinity\n")
    agent.chmod(0o755)
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "node", "type", "bridge")
    run("ip", "address", "add", "10.77.0.1/24", "dev", "node")
    run("ip", "link", "set", "node", "up")
    workloads = [w for name in RENDERINGS for w in of_kind(rendered(name), *WORKLOADS)]
    # The encoders beside the desks have to encode.
    workloads = [w for w in workloads if called(w) != "Deployment/fanlight-encoder"]
    pods = {called(w): Pod(w, i, work) for i, w in enumerate(workloads)}
    hosts = "127.0.0.1 localhost\n" + "".join(
        f"{pod.address} {name.partition('/')[2]}\n" for name, pod in pods.items()
    )
    logs: dict[str, Path] = {}
    probes: dict[str, str] = {}
    for one in (one for name in RENDERINGS for one in placed(name)):
        pod = pods.get(called(one.workload))
        if pod is None or one.container["name"] == "applications":
            continue  # its image is not here
        logs[f"{pod.name}/{one.container['name']}"] = pod.start(one, hosts, secrets)
        ports = {p["name"]: p["containerPort"] for p in one.container.get("ports", [])}
        for kind in ("readinessProbe", "livenessProbe"):
            if kind in one.container:
                asked = one.container[kind]["httpGet"]
                url = f"http://{pod.address}:{ports[asked['port']]}{asked['path']}"
                probes[f"{one}/{kind}"] = url
    found: dict[str, Any] = {}
    try:
        gateway = f"{pods['Deployment/fanlight-gateway'].address}:8080"
        until(lambda: answer(f"http://{gateway}/readyz")[0] == 200, "the gateway is not ready")
        until(lambda: {answer(url)[0] for url in probes.values()} == {200}, "a probe is refused")
        grant = Grant(Role.VIEW, "*", int(time.time()) + 600)
        token = tokens.issue(secret, grant, time.time())

        def desks() -> Any:
            status, body = answer(f"http://{gateway}/api/desks", token)
            listed = json.loads(body)["desks"] if status == 200 else []
            live = {d["name"]: [d["width"], d["height"]] for d in listed if d["state"] == "live"}
            return live if len(live) == 2 else None

        found["desks"] = until(desks, "the desks are not live")
        found["units"] = watch(gateway, token)
        status, picture = answer(f"http://{gateway}/api/desks/desk-0/screenshot", token)
        found["screenshot"] = [status, picture[:3].hex()]
    except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
        found["error"] = repr(error)
    found["probes"] = {name: answer(url)[0] for name, url in probes.items()}
    said = {name: log.read_text(errors="replace") for name, log in logs.items()}
    found["lanes"] = {
        name: re.findall(r"event=lane .*lane=(\w+)", text) for name, text in said.items()
    }
    found["direct"] = {
        name: re.findall(r"event=ring .*shm=(\w+)", text) for name, text in said.items()
    }
    found["logs"] = {name: text[-4000:] for name, text in said.items()}
    return found


if __name__ == "__main__":
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")  # the names of network namespaces
    with tempfile.TemporaryDirectory(dir="/run") as folder, contextlib.suppress(KeyboardInterrupt):
        os.chmod(folder, 0o755)
        json.dump(look(Path(folder)), sys.stdout)
        sys.stdout.flush()
        os._exit(0)
