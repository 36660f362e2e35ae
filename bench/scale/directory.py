"""The directory alone, in virtual time: how it does when everybody comes, goes and dies.

`simulate` lets a population live for a while. Viewers come and go. Encoders, captures and gateways
die in silence, leave with a farewell, are restarted at once, or are cut off. The directory itself
is killed twice. It returns one flat result.
"""

import gc
import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.scale.members import Desk, Encoder, Gateway
from bench.scale.world import BEAT_S, TIMING, World
from fanlight_common.protocol import bus, topics
from fanlight_directory.core.placement import Rules
from fanlight_directory.core.registry import Registry

RENDITIONS = ("high", "half", "low", "keyframes")
SHARES = (80, 15, 4, 1)
EVEN = 0.2
"""A load this near to the mean (as a share of it) counts as even; so does a single stream."""
PEACE_S = 30.0
MATURE_S = 20.0
"""Seconds that an encoder has to have lived before it has to have its share of the streams."""


@dataclass(frozen=True, slots=True)
class Population:
    """How many processes and viewers there are, and their mean lifetimes in seconds."""

    desks: int = 1000
    encoders: int = 200
    viewers: int = 10_000
    gateways: int = 20
    hosts: int = 50
    capacity: int = 16
    skew: float = 0.0
    """0 puts as many desks on each host, 1 from none to twice as many."""
    stay_s: float = 120.0
    encoder_s: float = 300.0
    capture_s: float = 600.0
    gateway_s: float = 300.0
    lost_share: float = 0.01


class Life:
    """Decides when everybody comes and goes, by the world's random generator."""

    def __init__(self, world: World, population: Population) -> None:
        self.world, self.population, self.rng = world, population, world.rng
        p = population
        weights = [1 + p.skew * (2 * h / max(1, p.hosts - 1) - 1) for h in range(p.hosts)]
        hosts = self.rng.choices(range(p.hosts), weights, k=p.desks) if p.skew else range(p.desks)
        self.desks = [
            Desk(f"capture-d{n}", f"10.0.0.{host % p.hosts}") for n, host in enumerate(hosts)
        ]
        self.encoders = [
            Encoder(f"encoder-{n}", f"10.0.0.{n % p.hosts}", capacity=p.capacity)
            for n in range(p.encoders)
        ]
        self.gateways = [Gateway(f"gateway-{n}", "10.0.1.0") for n in range(p.gateways)]
        for process in (*self.desks, *self.encoders, *self.gateways):
            world.start(process)
        for gateway in self.gateways:
            world.subscribe(gateway, topics.DESKS)
        for _ in range(p.viewers):
            world.at(self.rng.uniform(0, 10), self._viewer_comes)

    failing = True

    def begin_failing(self) -> None:
        """From now on, let every process die now and then."""
        p = self.population
        for process, mean_s in (
            *((e, p.encoder_s) for e in self.encoders),
            *((d, p.capture_s) for d in self.desks),
            *((g, p.gateway_s) for g in self.gateways),
        ):
            self.world.at(self.rng.expovariate(1 / mean_s), lambda q=process, s=mean_s: self._fails(q, s))  # type: ignore[misc] # fmt: skip  # noqa: E501

    def _viewer_comes(self) -> None:
        desk = self.rng.randrange(self.population.desks)
        (rendition,) = self.rng.choices(RENDITIONS, SHARES)
        stream = f"d{desk}/{rendition}"
        gateway = self.rng.choice(self.gateways)
        if not gateway.runs:
            self.world.at(0.25, self._viewer_comes)
            return
        instance = gateway.instance
        self.world.join(gateway, stream)

        def goes() -> None:
            if (gateway.instance, gateway.runs) == (instance, True):
                self.world.leave(gateway, stream)
            self.world.at(self.rng.uniform(0.5, 3.0), self._viewer_comes)

        self.world.at(self.rng.expovariate(1 / self.population.stay_s), goes)

    def _fails(self, process: Desk | Encoder | Gateway, mean_s: float) -> None:
        world, rng = self.world, self.rng
        if not self.failing:
            return
        (how,) = rng.choices(("silence", "farewell", "restarted", "cut off"), (4, 3, 2, 1))
        if how == "cut off" and not isinstance(process, Gateway):
            world.cut_off(process, rng.uniform(0.5, 5.0))
        else:
            world.end(process, "silence" if how == "cut off" else how)
            away_s = 0.3 if how == "restarted" else rng.uniform(1.0, 10.0)
            world.at(away_s, lambda: self._returns(process))
        world.at(20 + rng.expovariate(1 / mean_s), lambda: self._fails(process, mean_s))

    def _returns(self, process: Desk | Encoder | Gateway) -> None:
        if isinstance(process, Gateway):
            process.leases.clear()
        self.world.start(process)
        if isinstance(process, Gateway):
            self.world.subscribe(process, topics.DESKS)


def simulate(
    population: Population, rules: Rules, seconds: float, seed: int = 1, directory_dies: bool = True
) -> dict[str, Any]:
    """Live for so many virtual seconds, between 30 s of starting and 30 s of peace."""
    world = World(random.Random(seed), rules, population.lost_share)
    life = Life(world, population)
    world.run(30.0)
    asked = _repairs(world)
    world.repairs.clear()
    life.begin_failing()
    if directory_dies:
        world.at(seconds / 3, lambda: world.directory_away(1.0))
        world.at(2 * seconds / 3, lambda: world.directory_away(min(30.0, seconds / 6)))
    counts = world.counts.copy()
    world.spent_s.clear()
    samples: list[Sample] = []
    peak = 0
    for _ in range(round(seconds)):
        before = world.counts["records delivered"]
        world.run(1.0)
        peak = max(peak, world.counts["records delivered"] - before)
        if world.is_settled and world.now - world.settled_at > MATURE_S:
            samples.append(_sample(world, life))
    counts, spent = world.counts - counts, dict(world.spent_s)
    beats = {k: counts[f"heartbeat of {k}"] for k in ("capture", "encoder", "gateway")}
    life.failing = False
    world.run(PEACE_S)
    peace = []
    for _ in range(10):
        peace.append(_sample(world, life))
        world.run(1.0)
    broken = [w.broken_at for w in world.watched.values() if w.broken_at is not None]
    return {
        "desks": population.desks,
        "encoders": population.encoders,
        "viewers": population.viewers,
        "gateways": population.gateways,
        "skew": population.skew,
        "locality": rules.locality,
        "virtual_s": seconds,
        "streams": len(world.watched),
        "leases": world.registry.counts().leases if world.registry else 0,
        "violations": world.violations[:10],
        "heartbeats_per_s": round(sum(beats.values()) / seconds),
        "us_per_heartbeat": {
            k: round(1e6 * spent[f"heartbeat of {k}"] / n, 1) for k, n in beats.items() if n
        },
        "us_per_tick": round(1e6 * spent["tick"] / max(1, counts["tick"])),
        "registry_percent_of_a_core": round(100 * sum(spent.values()) / seconds, 2),
        "subscriptions_per_s": round(counts["subscribed"] / seconds, 1),
        "records_published_per_s": round(counts["records published"] / seconds, 1),
        "records_delivered_per_s": round(counts["records delivered"] / seconds, 1),
        "records_delivered_peak_per_s": peak,
        "moves_per_s": round(counts["leases evened"] / seconds, 2),
        "repairs_s": {"first": asked.get("asked"), **_repairs(world)},
        "overlap_max_s": round(max(world.overlaps_s, default=0.0), 3),
        "broken_at_end": sum(at < world.now - 1 for at in broken),
        "spread": _spread(samples),
        "spread_in_peace": _spread(peace),
    }


@dataclass(frozen=True, slots=True)
class Sample:
    """How streams are spread at one moment, over encoders that have been well for a while."""

    distances: list[float]
    """The distance of each encoder from its host's mean, as a share of that mean."""
    overall: float
    """The largest distance of an encoder from the mean of all."""
    near: float
    """The share of the streams whose encoder is on their desk's host."""


def _sample(world: World, life: Life) -> Sample:
    well = [e for e in life.encoders if e.is_online and world.now - e.well_since > MATURE_S]
    by_host: dict[str, list[int]] = {}
    for encoder in well:
        by_host.setdefault(encoder.host, []).append(len(encoder.held))
    hosts = {f"d{n}": desk.host for n, desk in enumerate(life.desks)}
    streams = [(e.host, s.split("/")[0]) for e in life.encoders if e.is_online for s in e.held]
    return Sample(
        [distance for counts in by_host.values() for distance in _distances(counts)],
        max(_distances([len(encoder.held) for encoder in well])),
        sum(host == hosts[desk] for host, desk in streams) / max(1, len(streams)),
    )


def _distances(counts: Sequence[int]) -> list[float]:
    mean = sum(counts) / len(counts)
    return [max(0.0, abs(count - mean) - 1) / max(1.0, mean) for count in counts]


def _spread(samples: Sequence[Sample]) -> dict[str, float]:
    distances = [distance for sample in samples for distance in sample.distances]
    return {
        "even_percent": round(100 * sum(d <= EVEN for d in distances) / len(distances), 2),
        "furthest_in_a_host": round(max(distances), 2),
        "furthest": round(max(sample.overall for sample in samples), 2),
        "near_percent": round(100 * sum(s.near for s in samples) / len(samples), 1),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)

    return {"count": len(ordered), "median": at(0.5), "p99": at(0.99), "max": at(1.0)}


def _repairs(world: World) -> dict[str, Any]:
    return {why: _percentiles(times) for why, times in sorted(world.repairs.items())}


def memory_bytes(desks: int, encoders: int, streams_a_desk: int = 2) -> dict[str, float]:
    """Return the bytes that the registry keeps for each process and each stream."""
    beats: list[bus.Heartbeat] = []
    gc.collect()
    tracemalloc.start()
    try:
        registry = Registry(TIMING, 0.0)
        registry.tick(TIMING.settle_s, 1)
        for n in range(desks):
            beats.append(Desk(f"capture-d{n}", f"10.0.0.{n % 50}").beat())
        beats += [Encoder(f"encoder-{n}", f"10.0.0.{n % 50}").beat() for n in range(encoders)]
        for beat in beats:
            registry.heartbeat(beat, TIMING.settle_s, 1)
        processes = tracemalloc.get_traced_memory()[0]
        for n in range(desks):
            for rendition in RENDITIONS[:streams_a_desk]:
                registry.subscribed(topics.lease(f"d{n}/{rendition}"), TIMING.settle_s, 1)
        streams = tracemalloc.get_traced_memory()[0] - processes
    finally:
        tracemalloc.stop()
    return {
        "process": round(processes / (desks + encoders)),
        "stream": round(streams / (desks * streams_a_desk)),
    }


__all__ = ["BEAT_S", "Population", "memory_bytes", "simulate"]
