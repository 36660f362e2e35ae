"""An encoder's or a desk's host is cut off while somebody watches, and comes back.

The hosts are namespaces (`lan`). The real services talk over tcp with CURVE; since hosts share no
memory, pixels travel in messages. The test prints how long the picture stood still (`pytest -rP`).
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from tests.e2e.hosts import lan
from tests.e2e.hosts.watcher import Watcher
from tests.e2e.processes import wait_until

pytestmark = pytest.mark.processes

BUS = 7400
GATEWAY = 8080
SHORT_S = 2.5
"""Seconds of a cut that costs a host its leases, but none of its connections."""
LONG_S = 8.0
"""Seconds of a cut after which the kernels have given up the bus's connections."""


class Hosts:
    """One host with directory and gateway, one with a desk, and two with an encoder each."""

    def __init__(self, network: lan.Lan, root: Path) -> None:
        self.root = root
        self.keys, self.secret, self.typed = root / "keys", root / "secret", root / "typed"
        tokens.load_secret(self.secret)
        self.front = network.host("front")
        self.desk = network.host("desk")
        self.encoders = {f"{name}-encoder": network.host(name) for name in ("red", "blue")}
        self.start(self.front, "directory")
        self.start(self.front, "gateway", host="0.0.0.0", port=GATEWAY, secret_file=self.secret)
        self.start(self.desk, "capture", source="pattern", pattern_input_log=self.typed)
        for host in self.encoders.values():
            self.start(host, "encoder")

    def start(self, where: lan.Host, kind: str, **settings: object) -> None:
        """Start a service, which ends with its host. Its id is the host's name and its kind."""
        id_ = f"{where.name}-{kind}"
        with (self.root / f"{id_}.log").open("w") as log:
            where.popen(
                *(sys.executable, "-m", f"fanlight_{kind}"),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "FANLIGHT_ID": "" if kind == "directory" else id_,
                    "FANLIGHT_RUNTIME_DIR": str(self.root / "run"),
                    "FANLIGHT_BUS_DIRECTORY": f"tcp://{self.front.address}:{BUS}",
                    "FANLIGHT_BUS_KEYS": str(self.keys),
                    **{f"FANLIGHT_{kind}_{key}".upper(): str(it) for key, it in settings.items()},
                },
            )

    def log(self, id_: str) -> str:
        return (self.root / f"{id_}.log").read_text()

    def watch(self, name: str) -> Watcher:
        now = time.time()
        grant = Grant(Role.CONTROL, "main", int(now) + 600)
        token = tokens.issue(tokens.load_secret(self.secret), grant, now)
        return Watcher(self.front.connect(self.front.address, GATEWAY), "main", token, name)

    def is_open(self) -> bool:
        try:
            self.front.connect(self.front.address, GATEWAY).close()
        except OSError:
            return False
        return True

    def holder(self, epoch: int) -> str:
        """Return the id of the encoder to which the directory gave this epoch."""
        pattern = rf"event=lease stream=main/\w+ encoder=(\S+) epoch={epoch} "
        found = re.findall(pattern, self.log("front-directory"))
        assert found, f"epoch {epoch} is nobody's:\n{self.log('front-directory')}"
        return str(found[-1])

    def times(self, event: str, id_: str) -> int:
        """Return how many times the directory logged this event of a process."""
        return len(re.findall(rf"event={event} kind=\w+ id={id_} ", self.log("front-directory")))


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if reason := lan.unavailable():
        pytest.skip(reason)
    with lan.Lan() as network:
        made = Hosts(network, tmp_path_factory.mktemp("hosts"))
        wait_until(made.is_open, "the gateway's port", 60)
        workers = ("desk-capture", *made.encoders)
        wait_until(lambda: all(made.times("joined", id_) for id_ in workers), "all on the bus", 60)
        yield made


def test_a_desk_is_watched_and_steered_across_hosts(hosts: Hosts) -> None:
    with hosts.watch("first") as watcher:
        watcher.wait_units(30, 60)
        watcher.type("q")
        wait_until(
            lambda: hosts.typed.exists() and '["key", 20, true]' in hosts.typed.read_text(),
            "the key at the desk",
        )
        watcher.check()
        assert "lane=pixels" in hosts.log(hosts.holder(watcher.epoch))


@pytest.mark.parametrize("cut_s", [SHORT_S, LONG_S])
def test_an_encoders_host_is_cut_off_and_comes_back(hosts: Hosts, cut_s: float) -> None:
    with hosts.watch("cuts") as watcher:
        watcher.wait_units(30, 60)
        # The first round cuts off the encoder that has the stream, the second the one that took it
        # over.
        for _ in range(2):
            epoch = watcher.epoch
            id_ = hosts.holder(epoch)
            host, joined = hosts.encoders[id_], hosts.times("joined", id_)
            cut_at = time.monotonic()
            host.cut()
            first = watcher.wait_epoch_after(epoch)
            last = max(a.at for a in watcher.arrivals if a.epoch == epoch)
            print(f"cut {cut_s:.1f} s: no picture for {first.at - last:.2f} s")
            assert first.idr
            assert hosts.holder(first.epoch) != id_
            # The cut has to last for `cut_s`.
            time.sleep(max(0.0, cut_at + cut_s - time.monotonic()))
            host.join()
            wait_until(lambda: hosts.times("joined", id_) > joined, f"{id_} back on the bus", 60)  # noqa: B023 - at once
            # By then the encoder has stopped sending under its old epoch, if it did.
            watcher.wait_units(60)
            assert watcher.epoch == first.epoch, "what runs well stays where it is"
        watcher.check()


def test_a_desks_host_is_cut_off_and_comes_back(hosts: Hosts) -> None:
    with hosts.watch("desk") as watcher:
        watcher.wait_units(30, 60)
        hosts.desk.cut()
        time.sleep(LONG_S)  # the cut has to last for this time
        before = len(watcher.arrivals)
        hosts.desk.join()
        watcher.wait(lambda: len(watcher.arrivals) > before + 30, "the picture again", 60)
        watcher.type("w")
        wait_until(lambda: '["key", 26, true]' in hosts.typed.read_text(), "the key at the desk")
        watcher.check()
