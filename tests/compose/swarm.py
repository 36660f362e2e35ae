"""A Docker Swarm on one machine: an engine on each host of a `lan`, and the stack on them.

Each engine has its host's namespaces to itself, so it behaves as if it were on a machine of its
own, and it ends with the host. This module removes what an engine leaves on the disk and among the
control groups. If a run was killed, the next run removes what that one left.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from fanlight_common.bus import curve_keys
from fanlight_common.process import tokens
from tests.compose.project import IMAGES, LIMIT_S, ROOT, TAG, run
from tests.e2e.hosts import lan
from tests.e2e.processes import wait_until

STACK = "fanlight"
FILES = (
    ROOT / "docker-compose.yml",
    ROOT / "deploy" / "swarm" / "stack.yml",
    ROOT / "tests" / "compose" / "swarm.yml",
)
BEAT_S = 2
"""Seconds between two heartbeats of a node. The manager counts it as down after three times
that."""
_PREFIX = "fanlight-swarm-"
_GROUPS = Path("/sys/fs/cgroup")


class Node:
    """An engine on a host. It starts at once."""

    def __init__(self, host: lan.Host, root: Path, group: str) -> None:
        self.host = host
        self._files = root / host.name
        self._files.mkdir()
        self._socket = f"unix://{self._files / 's'}"
        # Two engines of one machine would share /run.
        host.run("mount", "-t", "tmpfs", "run", "/run")
        with self.log.open("w") as log:
            self._process = host.popen(
                *("dockerd", "--host", self._socket, "--data-root", str(self._files / "data")),
                *("--exec-root", "/run/docker/engine", "--pidfile", str(self._files / "pid")),
                *("--bridge", "none", "--cgroup-parent", f"/{group}/{host.name}"),
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> Path:
        """Return the file with the engine's log."""
        return self._files / "log"

    def docker(self, *arguments: str, check: bool = True, limit_s: float = 120.0) -> str:
        """Return what `docker ARGUMENTS` prints on this engine."""
        return run("docker", "--host", self._socket, *arguments, check=check, limit_s=limit_s)

    def wait_up(self) -> None:
        """Wait until the engine answers."""

        def answers() -> bool:
            assert self._process.poll() is None, f"no engine: {self.log.read_text()[-2000:]}"
            return self.docker("info", "--format", "{{.ID}}", check=False) != ""

        wait_until(answers, f"the engine on {self.host.name}", LIMIT_S)

    def load(self, archive: Path) -> None:
        """Load images from a file."""
        self.docker("load", "--quiet", "--input", str(archive), limit_s=300)

    def containers(self, service: str) -> list[str]:
        """Return the short ids of a service's containers that run on this node."""
        label = f"label=com.docker.swarm.service.name={STACK}_{service}"
        return self.docker("ps", "--quiet", "--filter", label).split()


class Swarm:
    """Nodes that form a swarm, the first as its manager; a context manager. Raises LanError."""

    def __init__(self, *names: str) -> None:
        remove_leftovers()
        self.group = f"{_PREFIX}{os.getpid()}"
        self.root = Path(tempfile.mkdtemp(prefix=f"{self.group}-", dir="/var/tmp"))
        self.nodes: dict[str, Node] = {}
        self._close = contextlib.ExitStack()
        self._close.callback(remove_leftovers, os.getpid())
        try:
            self.lan = self._close.enter_context(lan.Lan())
            self.person = self.lan.host("person")
            for name in names:
                self.nodes[name] = Node(self.lan.host(name), self.root, self.group)
            for node in self.nodes.values():
                node.wait_up()
            self._join()
        except BaseException:
            self._close.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close.close()

    @property
    def manager(self) -> Node:
        """Return the first node."""
        return next(iter(self.nodes.values()))

    def deploy(self, **environment: str) -> None:
        """Deploy the stack by the commands of docs/swarm.md."""
        key_file, secret_file = self.root / "bus.keys", self.root / "secret"
        if not key_file.exists():
            curve_keys.create(key_file)
            tokens.load_secret(secret_file)
            self.manager.docker("secret", "create", "fanlight-bus-1", str(key_file))
            self.manager.docker("secret", "create", "fanlight-tokens-1", str(secret_file))
        files = [part for file in FILES for part in ("--compose-file", str(file))]
        command = [*self._docker(), "stack", "deploy", "--resolve-image", "never", *files, STACK]
        settings = {"FANLIGHT_IMAGES": IMAGES, "FANLIGHT_TAG": TAG, **environment}
        run(*command, env={**os.environ, **settings}, cwd=ROOT)

    @property
    def secret(self) -> bytes:
        """Return the secret that signs tokens."""
        return tokens.load_secret(self.root / "secret")

    def service(self, *arguments: str) -> str:
        """Return what `docker service ARGUMENTS` prints."""
        return self.manager.docker("service", *arguments)

    def replicas(self) -> dict[str, str]:
        """Return how many containers of each service run and are wanted, as in 1/2."""
        lines = self.service("ls", "--format", "{{.Name}} {{.Replicas}}").splitlines()
        fields = (line.split() for line in lines)
        return {words[0].removeprefix(f"{STACK}_"): words[1] for words in fields}

    def is_settled(self) -> bool:
        """Return whether as many containers run as are wanted."""
        return all(len(set(count.split("/"))) == 1 for count in self.replicas().values())

    def logs(self, service: str) -> str:
        """Return the logs of a service's containers, also of ended ones, from nodes that are up."""
        command = [*self._docker(), "service", "logs", "--raw", f"{STACK}_{service}"]
        ran = subprocess.run(
            command,
            text=True,
            timeout=60,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # the command prints the containers' stderr there
        )
        return ran.stdout

    def node_of(self, container: str) -> str:
        """Return the node where a container runs, by a part of its id; "" if none has it."""
        for name, node in self.nodes.items():
            if any(container.find(id_) >= 0 for id_ in node.docker("ps", "--quiet").split()):
                return name
        return ""

    def _docker(self) -> list[str]:
        return ["docker", "--host", self.manager._socket]

    def _join(self) -> None:
        first, *others = self.nodes.values()
        pool = ("--default-addr-pool", "10.80.0.0/16")
        beat = ("--dispatcher-heartbeat", f"{BEAT_S}s")
        first.docker("swarm", "init", "--advertise-addr", first.host.address, *pool, *beat)
        token = first.docker("swarm", "join-token", "--quiet", "worker")
        for node in others:
            node.docker("swarm", "join", "--token", token, f"{first.host.address}:2377")


def save(images: Iterable[str], archive: Path) -> None:
    """Save images of this machine's own engine to a file."""
    run("docker", "save", "--output", str(archive), *images, limit_s=300)


def unavailable() -> str:
    """Return why no swarm can be made on this machine; "" if one can."""
    for command in ("docker", "dockerd", "iptables"):
        if not shutil.which(command):
            return f"a swarm needs the command {command}"
    return lan.unavailable()


def remove_leftovers(*ended: int) -> None:
    """Remove files and control groups of runs that are over.

    A run is over if its process id is gone or among `ended`.
    """
    for directory in Path("/var/tmp").glob(f"{_PREFIX}*"):
        if _is_over(directory.name, ended):
            shutil.rmtree(directory, ignore_errors=True)
    deadline = time.monotonic() + 10
    for group in _GROUPS.glob(f"*/{_PREFIX}*"):
        while _is_over(group.name, ended) and group.exists() and time.monotonic() < deadline:
            # Only empty control groups can be removed, from the leaves on. The kernel may need a
            # moment until they are empty.
            subprocess.run(
                ["find", str(group), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"],
                capture_output=True,
                check=False,
            )


def _is_over(name: str, ended: tuple[int, ...]) -> bool:
    pid = int(name.removeprefix(_PREFIX).split("-")[0])
    return pid in ended or not Path(f"/proc/{pid}").exists()
