"""The stack on a Docker Swarm of three nodes, with encoders on other nodes than the desk.

`docker stack deploy` starts docker-compose.yml and deploy/swarm/stack.yml over an overlay network.
"""

import re
import statistics
import time
from collections.abc import Iterator

import pytest

from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_common.protocol import input
from tests.compose.conftest import Report
from tests.compose.project import LIMIT_S, SERVICES
from tests.compose.swarm import Swarm, save, unavailable
from tests.e2e.hosts.watcher import Watcher
from tests.e2e.processes import wait_until

FRONT = "front"
ENCODERS = ("red", "blue")
GATEWAY = 8080
TICKING = "while sleep .1; do date; done\n"
"""What a person types into the terminal, so that its text changes."""


@pytest.fixture(scope="module")
def swarm(
    images: dict[str, str], report: Report, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Swarm]:
    """Three nodes on which all of the stack runs."""
    if reason := unavailable():
        pytest.skip(reason)
    began = time.monotonic()
    archives = tmp_path_factory.mktemp("images")
    with Swarm(FRONT, *ENCODERS) as made:
        report(f"swarm: three engines are one after {time.monotonic() - began:.1f} s")
        front, encoder = archives / "front.tar", archives / "encoder.tar"
        try:
            save([images[name] for name in SERVICES if name != "encoder"], front)
            save([images["encoder"]], encoder)
            made.nodes[FRONT].load(front)
            for name in ENCODERS:
                made.nodes[name].load(encoder)
        finally:
            for archive in archives.iterdir():
                archive.unlink()
        report(f"swarm: images are there after {time.monotonic() - began:.1f} s")
        for name, node in made.nodes.items():
            made.manager.docker("node", "update", "--label-add", f"fanlight={name}", name)
            assert node.host.name == name
        deployed = time.monotonic()
        made.deploy(DESK_SIZE="800x600")
        wait_until(made.is_settled, "everything to run", 120)
        report(f"swarm: all healthy {time.monotonic() - deployed:.1f} s after stack deploy")
        yield made


def watch(swarm: Swarm, desk: str = "desk-1") -> Watcher:
    """Return a viewer on a host that is no node, at the port that the gateway's node publishes."""
    now = time.time()
    token = tokens.issue(swarm.secret, Grant(Role.CONTROL, desk, int(now) + 600), now)
    front = swarm.nodes[FRONT].host.address
    return Watcher(swarm.person.connect(front, GATEWAY), desk, token, desk)


def leases(swarm: Swarm, watcher: Watcher) -> dict[int, tuple[str, str]]:
    """Return encoder and reason of each lease of the watched stream, by epoch."""
    pattern = rf"event=lease stream={watcher.name}/\w+ encoder=(\S+) epoch=(\d+) reason=(\w+)"
    found = re.findall(pattern, swarm.logs("directory"))
    return {int(epoch): (encoder, why) for encoder, epoch, why in found if encoder != "none"}


def encoder_of(swarm: Swarm, watcher: Watcher) -> str:
    """Return the id of the encoder that has the newest unit's epoch."""
    epoch = watcher.epoch
    found = wait_until(lambda: leases(swarm, watcher).get(epoch), f"lease {epoch}, {watcher}")
    return str(found[0])


def test_a_desk_is_watched_and_steered_across_nodes(swarm: Swarm, report: Report) -> None:
    with watch(swarm) as watcher:
        watcher.wait_units(1, LIMIT_S)
        (desk,) = swarm.nodes[FRONT].containers("desk")
        find = ("exec", desk, "find", "/tmp/typed")
        # This may take several turns, because the first picture may be of a desk without its
        # terminal.
        for _ in range(20):
            for down in (True, False):
                watcher.send(input.PointerButton(down, 0, (32768, 32768)).encode())
            watcher.type("\ntouch /tmp/typed\n")
            deadline = time.monotonic() + 2
            while not (found := swarm.nodes[FRONT].docker(*find, check=False)):
                if time.monotonic() > deadline:
                    break
            if found:
                break
        assert swarm.nodes[FRONT].docker(*find) == "/tmp/typed"
        watcher.type(TICKING)
        watcher.wait_units(60, LIMIT_S)
        watcher.check()
        assert swarm.node_of(encoder_of(swarm, watcher)) in ENCODERS
        assert "lane=pixels" in swarm.logs("encoder")
        ages_ms = [a.age_us / 1000 for a in watcher.arrivals[-50:]]
        report(
            "swarm: age of a picture where it arrives (800x600, one line of text a tenth of a "
            f"second): median {statistics.median(ages_ms):.0f} ms, largest {max(ages_ms):.0f} ms"
        )


def test_a_node_is_cut_off_and_comes_back(swarm: Swarm, report: Report) -> None:
    with watch(swarm) as watcher:
        watcher.wait_units(20, LIMIT_S)
        epoch = watcher.epoch
        name = swarm.node_of(encoder_of(swarm, watcher))
        node = swarm.nodes[name]
        before = node.containers("encoder")
        cut_at = time.monotonic()
        node.host.cut()
        try:
            first = watcher.wait_epoch_after(epoch)
            last = max(a.at for a in watcher.arrivals if a.epoch == epoch)
            report(f"swarm: a node cut off: no picture for {first.at - last:.2f} s")
            assert first.idr
            assert swarm.node_of(encoder_of(swarm, watcher)) not in (name, "")
            # Swarm itself notices later, and then starts other containers.
            wait_until(lambda: _state(swarm, name) == "Down", "Swarm to notice", 60)
            report(f"swarm: Swarm noticed after {time.monotonic() - cut_at:.1f} s")
            (other,) = set(ENCODERS) - {name}
            wait_until(
                lambda: len(swarm.nodes[other].containers("encoder")) == 2,
                "Swarm to start another encoder elsewhere",
                60,
            )
            assert node.containers("encoder") == before, "they went on, without anybody"
        finally:
            node.host.join()
        wait_until(lambda: _state(swarm, name) == "Ready", "the node to be back", 60)
        wait_until(lambda: not node.containers("encoder"), "Swarm to end what is too much", 60)
        watcher.wait_units(20, LIMIT_S)
        watcher.check()


def _state(swarm: Swarm, name: str) -> str:
    return swarm.manager.docker("node", "inspect", "--format", "{{.Status.State}}", name).title()


def test_more_encoders_and_desks(swarm: Swarm) -> None:
    for service, count in (("encoder", 3), ("desk", 3)):
        swarm.service("scale", "--detach", f"fanlight_{service}={count}")
    wait_until(swarm.is_settled, "three of each", 120)
    watchers = []
    try:
        for number in (1, 2, 3):
            watchers.append(watch(swarm, f"desk-{number}"))
            watchers[-1].wait_units(1, LIMIT_S)

        def used() -> set[str]:
            return {encoder_of(swarm, watcher) for watcher in watchers}

        wait_until(lambda: len(used()) == 3, "one stream for each encoder", 60)
        assert {swarm.node_of(encoder) for encoder in used()} == set(ENCODERS)
        for watcher in watchers:
            watcher.check()
    finally:
        for watcher in watchers:
            watcher.__exit__(None, None, None)
        swarm.service("scale", "--detach", "fanlight_desk=1")


def test_encoders_are_updated_without_a_gap(swarm: Swarm, report: Report) -> None:
    with watch(swarm) as watcher:
        watcher.wait_units(20, LIMIT_S)
        epoch, began = watcher.epoch, time.monotonic()
        before = {id_ for name in ENCODERS for id_ in swarm.nodes[name].containers("encoder")}
        swarm.service("update", "--detach", "--force", "fanlight_encoder")
        format_ = "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}"

        def state() -> str:
            return swarm.service("inspect", "--format", format_, "fanlight_encoder")

        wait_until(lambda: state() == "completed", "the update", 180)
        ended = time.monotonic()
        watcher.wait_units(20, LIMIT_S)
        watcher.check()
        after = {id_ for name in ENCODERS for id_ in swarm.nodes[name].containers("encoder")}
        assert not before & after, "all were replaced"
        assert watcher.epoch > epoch
        reasons = [
            why for e, (_, why) in leases(swarm, watcher).items() if epoch < e <= watcher.epoch
        ]
        gaps_s = watcher.gaps_s(began)
        report(
            f"swarm: three encoders replaced in {ended - began:.0f} s; the stream moved for "
            f"{', '.join(reasons)}, in {max(gap_s for gap_s, moved in gaps_s if moved):.2f} s; "
            f"longest time without a picture {max(gaps_s)[0]:.2f} s"
        )
        # On a machine that is far too busy an encoder may have been silent as well.
        assert "drained" in reasons
        assert "farewell" not in reasons, "none left before another had what it encoded"


def test_nothing_failed_on_the_way(swarm: Swarm, report: Report) -> None:
    """Swarm replaces containers that fail, so the tests above may not have noticed."""
    wait_until(swarm.is_settled, "everything to run", 120)
    for service in SERVICES:
        assert "Traceback" not in swarm.logs(service)
    for name, node in swarm.nodes.items():
        lines = node.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}")
        for line in sorted(lines.splitlines()):
            report(f"swarm: {name}: {line.split('.')[0]} {line.split(' ', 1)[1].split(' / ')[0]}")
