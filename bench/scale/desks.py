"""More and more desks on this machine, each with some viewers: what arrives, and what it costs.

The desks are added step by step. At each step nobody watches for a while, and then all are watched.
The result of a step is one flat object.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.scale.stack import Deployment, Stack, running
from bench.scale.usage import Usage
from bench.scale.viewers import Seen, Viewer, delivered, ends

LATE_S = 1.0
KINDS = ("directory", "capture", "encoder", "gateway")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many desks there are, how many viewers each has, and how long each step is measured."""

    steps: Sequence[int] = (1, 5, 10, 25, 50)
    viewers: int = 4
    idle_s: float = 10.0
    settle_s: float = 5.0
    watched_s: float = 20.0


def measure(deployment: Deployment, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield one result a step. Raises RuntimeError, or ConnectionError, if something fails."""
    with running(deployment) as stack:
        for desks in plan.steps:
            stack.desks(desks)
            yield asyncio.run(_step(stack, plan, desks))


async def _step(stack: Stack, plan: Plan, desks: int) -> dict[str, Any]:
    # The processes that started last are still busy with starting.
    await asyncio.sleep(min(2.0, plan.settle_s))
    idle = await _used(stack, plan.idle_s)
    viewers: list[Viewer] = []
    try:
        token = stack.token()
        for number in range(desks * plan.viewers):
            port = stack.gateway_ports[number % len(stack.gateway_ports)]
            desk = f"d{number // plan.viewers}"
            viewers.append(Viewer(f"ws://127.0.0.1:{port}", token, desk, f"bench-scale-{number}"))
        await asyncio.gather(*(viewer.first_unit() for viewer in viewers))
        await asyncio.sleep(plan.settle_s)
        return {
            **_head(stack.deployment, plan, desks),
            **await _watch(stack, plan, viewers),
            **idle,
        }
    finally:
        await asyncio.gather(*(viewer.leave() for viewer in viewers))


def _head(deployment: Deployment, plan: Plan, desks: int) -> dict[str, Any]:
    return {
        "part": "desks",
        "bus": deployment.bus,
        "desks": desks,
        "viewers": desks * plan.viewers,
        "encoders": deployment.encoders,
        "gateways": deployment.gateways,
        "size": f"{deployment.width}x{deployment.height}",
        "fps": deployment.fps,
        "seconds": plan.watched_s,
    }


async def _watch(stack: Stack, plan: Plan, viewers: list[Viewer]) -> dict[str, Any]:
    before = {kind: await _metrics(stack, kind) for kind in KINDS}
    for viewer in viewers:
        viewer.seen = Seen()
    own = time.process_time()
    began = time.monotonic()
    used = await _used(stack, plan.watched_s)
    seconds = time.monotonic() - began
    own = time.process_time() - own
    seen: dict[str, list[Seen]] = {}
    for viewer in viewers:
        seen.setdefault(viewer.desk, []).append(viewer.seen)
    until = ends(seen)
    after = {kind: await _metrics(stack, kind) for kind in KINDS}
    changes = {kind: _changes(before[kind], after[kind]) for kind in KINDS}
    # Units that are on their way at the end are not lost, so they may still come.
    await asyncio.sleep(LATE_S)
    ages = sorted(age for group in seen.values() for one in group for age in one.ages_ms)
    streams = {key for group in seen.values() for one in group for key in one.units}
    renditions = Counter(viewer.rendition for viewer in viewers)
    units = delivered(seen, until)
    published = _of(changes["encoder"], "fanlight_encoder_units_total")
    return {
        **units,
        "delivered_percent": round(100 * units["units_delivered"] / max(1, units["units_due"]), 3),
        "units_published": round(published),
        "units_per_s_and_stream": round(published / seconds / max(1, len(seen)), 2),
        "dropped": _by(changes["gateway"], "fanlight_gateway_units_dropped_total", "reason"),
        "skipped": _by(changes["encoder"], "fanlight_encoder_skipped_total", "reason"),
        "grabs_per_s_and_desk": round(
            _of(changes["capture"], "fanlight_capture_grabs_total") / seconds / max(1, len(seen)), 2
        ),
        "closed": sum(viewer.closed is not None for viewer in viewers),
        "streams_seen": len(streams),
        "renditions": dict(sorted(renditions.items())),
        "streams_by_encoder": sorted(await _held(stack)),
        "age_ms": {
            name: round(ages[min(len(ages) - 1, int(share * len(ages)))], 1) if ages else None
            for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
        "kbit_per_s_and_viewer": round(
            sum(one.bytes for group in seen.values() for one in group)
            / 125
            / seconds
            / len(viewers),
            1,
        ),
        "cpu_percent": used["idle_cpu_percent"],
        "rss_mib": used["idle_rss_mib"],
        "pss_mib": used["idle_pss_mib"],
        "meter_cpu_percent": round(100 * own / seconds, 1),
    }


async def _used(stack: Stack, seconds: float) -> dict[str, Any]:
    """Return CPU by kind over so many seconds, in percent of a core, and memory by kind, summed."""
    before = stack.usage()
    await asyncio.sleep(seconds)
    after = stack.usage()
    used = {
        kind: [late - early for early, late in zip(before[kind], after[kind], strict=True)]
        for kind in KINDS
    }
    return {
        "idle_cpu_percent": {kind: _percent(usages) for kind, usages in used.items()},
        "idle_rss_mib": {k: round(sum(u.rss_mib for u in us), 1) for k, us in used.items()},
        "idle_pss_mib": {k: round(sum(u.pss_mib for u in us), 1) for k, us in used.items()},
    }


def _percent(usages: Sequence[Usage]) -> float:
    return round(100 * sum(usage.cpu_s / usage.at_s for usage in usages), 2)


async def _metrics(stack: Stack, kind: str) -> dict[str, float]:
    return await asyncio.to_thread(stack.metrics, kind)


async def _held(stack: Stack) -> list[int]:
    each = await asyncio.to_thread(stack.metrics_each, "encoder")
    return [round(metrics.get("fanlight_encoder_streams", 0)) for metrics in each]


def _changes(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def _of(changes: Mapping[str, float], name: str) -> float:
    return sum(v for key, v in changes.items() if key == name or key.startswith(f"{name}{{"))


def _by(changes: Mapping[str, float], name: str, label: str) -> dict[str, int]:
    """Return the changes that are not zero, by the value of a label."""
    found: Counter[str] = Counter()
    for key, value in changes.items():
        if key.startswith(f"{name}{{"):
            labels = dict(part.split("=", 1) for part in key[len(name) + 1 : -1].split(","))
            found[labels[label].strip('"')] += round(value)
    return {key: value for key, value in sorted(found.items()) if value}
