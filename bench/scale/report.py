"""Shows the results as tables in Markdown. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

KINDS = ("capture", "encoder", "gateway", "directory")
Result = Mapping[str, Any]


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    lines += ["| " + " | ".join("" if c is None else str(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def desks(results: Iterable[Result]) -> str:
    """Return what arrived, by the number of desks."""
    return table(
        ["bus", "desks", "viewers", "units due", "delivered", "%", "dropped", "pictures/s a stream",
         "age ms, median", "95 %", "99 %", "streams by encoder"],
        [
            (
                r["bus"], r["desks"], r["viewers"], r["units_due"], r["units_delivered"],
                r["delivered_percent"],
                ", ".join(f"{k} {v}" for k, v in r["dropped"].items()) or 0,
                r["units_per_s_and_stream"],
                *(r["age_ms"][k] for k in ("median", "p95", "p99")),
                ", ".join(map(str, r["streams_by_encoder"])),
            )
            for r in results
        ],
    )  # fmt: skip


def cpu(results: Iterable[Result]) -> str:
    """Return CPU by kind of process, in percent of a core."""
    return table(
        ["bus", "desks", "viewers", *(f"{k}, idle" for k in KINDS), *KINDS, "all", "meter"],
        [
            (
                r["bus"], r["desks"], r["viewers"],
                *(r["idle_cpu_percent"][k] for k in KINDS),
                *(r["cpu_percent"][k] for k in KINDS),
                round(sum(r["cpu_percent"].values()), 1),
                r["meter_cpu_percent"],
            )
            for r in results
        ],
    )  # fmt: skip


def memory(results: Iterable[Result]) -> str:
    """Return memory by kind of process, in MiB; processes divide what they share."""
    return table(
        ["bus", "desks", "viewers", *(f"{k}, idle" for k in KINDS), *KINDS, "all"],
        [
            (
                r["bus"], r["desks"], r["viewers"],
                *(r["idle_pss_mib"][k] for k in KINDS),
                *(r["pss_mib"][k] for k in KINDS),
                round(sum(r["pss_mib"].values())),
            )
            for r in results
        ],
    )  # fmt: skip


def each(results: Sequence[Result]) -> str:
    """Return what one more desk costs: the slope from the first step to the last."""
    of = (
        ("a desk that nobody watches: capture", "idle_", "capture", "desks"),
        ("a desk that is watched: capture", "", "capture", "desks"),
        ("a stream: encoder", "", "encoder", "desks"),
        ("a viewer: gateway", "", "gateway", "viewers"),
        ("a desk that is watched: directory", "", "directory", "desks"),
    )
    rows = []
    for bus in dict.fromkeys(r["bus"] for r in results):
        steps = [r for r in results if r["bus"] == bus]
        first, last = steps[0], steps[-1]
        for name, state, kind, unit in of if len(steps) > 1 else ():
            more = last[unit] - first[unit]
            slopes = [
                (last[f"{state}{key}"][kind] - first[f"{state}{key}"][kind]) / more
                for key in ("cpu_percent", "pss_mib")
            ]
            rows.append((bus, name, *(f"{slope:.3f}" for slope in slopes)))
    return table(["bus", "one more", "CPU, % of a core", "memory, MiB"], rows)


def heartbeats(results: Iterable[Result]) -> str:
    """Return the table of the directory with its sockets."""
    keys = ("desks", "encoders", "heartbeats_per_s", "cpu_percent", "us_per_heartbeat", "rss_mib")
    header = ("desks", "encoders", "heartbeats/s", "CPU, % of a core", "µs a heartbeat", "MiB")
    return table(header, [[r[key] for key in keys] for r in results])


def simulation(results: Iterable[Result]) -> str:
    """Return the table of the directory alone, in virtual time."""
    results = list(results)

    def worst(r: Result, why: str) -> str:
        times = r["repairs_s"].get(why)
        return f"{times['median']} / {times['max']} ({times['count']})" if times else ""

    whys = list(dict.fromkeys(why for r in results for why in r["repairs_s"]))
    lines: list[tuple[str, list[Any]]] = [
        ("desks", [r["desks"] for r in results]),
        ("encoders", [r["encoders"] for r in results]),
        ("viewers", [r["viewers"] for r in results]),
        ("gateways", [r["gateways"] for r in results]),
        ("streams watched at the end", [r["streams"] for r in results]),
        ("promises broken", [len(r["violations"]) for r in results]),
        ("streams without encoder at the end", [r["broken_at_end"] for r in results]),
        ("heartbeats/s in", [r["heartbeats_per_s"] for r in results]),
        ("subscriptions/s in", [r["subscriptions_per_s"] for r in results]),
        ("records/s out, published", [r["records_published_per_s"] for r in results]),
        ("records/s out, delivered", [r["records_delivered_per_s"] for r in results]),
        ("the same in the worst second", [r["records_delivered_peak_per_s"] for r in results]),
        *((f"µs a heartbeat of a{'n' if k[0] == 'e' else ''} {k}",
           [r["us_per_heartbeat"].get(k) for r in results])
          for k in ("capture", "encoder", "gateway")),
        ("the registry, % of a core", [r["registry_percent_of_a_core"] for r in results]),
        ("bytes a process", [r["memory_bytes"]["process"] for r in results]),
        ("bytes a stream", [r["memory_bytes"]["stream"] for r in results]),
        ("moves/s of running streams", [r["moves_per_s"] for r in results]),
        *((f"s without picture: {why}", [worst(r, why) for r in results]) for why in whys),
        ("encoder-seconds within 20 % of even, %",
         [r["spread"]["even_percent"] for r in results]),
        ("the same when nothing fails", [r["spread_in_peace"]["even_percent"] for r in results]),
        ("streams on their desk's host, %", [r["spread"]["near_percent"] for r in results]),
    ]  # fmt: skip
    return table(["", *("" for _ in results)], [[name, *cells] for name, cells in lines])


def locality(results: Iterable[Result]) -> str:
    """Return what it brings and costs to prefer the desk's host."""
    return table(
        ["locality", "skew of the desks", "on their desk's host, %", "moves/s",
         "furthest from even in a host", "furthest of all"],
        [
            (r["locality"], r["skew"], r["spread"]["near_percent"], r["moves_per_s"],
             r["spread"]["furthest_in_a_host"], r["spread"]["furthest"])
            for r in results
        ],
    )  # fmt: skip


def report(results: Sequence[Result]) -> str:
    """Return the whole report."""
    parts = []
    by_part: dict[str, list[Result]] = {}
    for result in results:
        by_part.setdefault(str(result["part"]), []).append(result)
    measured = by_part.get("desks", [])
    if measured:
        deployment = measured[-1]
        parts += [
            f"## Desks on one machine\n\nOf {deployment['size']}, {deployment['fps']:g} pictures "
            f"a second, {deployment['encoders']} encoders, {deployment['gateways']} gateways.",
            desks(measured),
            "CPU, percent of one core, idle: before anybody watches.",
            cpu(measured),
            "Memory, MiB (PSS).",
            memory(measured),
            each(measured),
        ]
    for part, title, show in (
        ("heartbeats", "The directory with its sockets", heartbeats),
        ("simulation", "The directory alone, in virtual time", simulation),
        ("locality", "Locality, in virtual time", locality),
    ):
        if part in by_part:
            parts += [f"## {title}", show(by_part[part])]
    return "\n\n".join(parts) + "\n"
