"""When a viewer acknowledges. The model that simulations use agrees with the browser's own code."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

from fanlight_gateway.core.congestion import RELAXED_S
from tests.gateway.acks import ACK_RELAXED_MS, Acks, Told

WEB = Path(__file__).parents[3] / "services" / "gateway" / "fanlight_gateway" / "web"
DRIVER = """
import { readFileSync } from "node:fs";
import { ACK_RELAXED_MS, Acknowledgements } from "ACKS";

const told = (ack) => (ack ? [ack.epoch, ack.received, ack.painted] : null);
const answers = JSON.parse(readFileSync(0, "utf8")).map((events) => {
  const acks = new Acknowledgements();
  return events.map(([what, ...values]) => {
    const ack = what === "painted" ? acks.painted(values[0], values[1], 7, values[2])
      : acks[what === "begin" ? "beginStream" : what](...values);
    return [told(ack ?? null), acks.due_ms];
  });
});
console.log(JSON.stringify({ answers, ACK_RELAXED_MS }));
"""

Event = tuple[Any, ...]


def scenario(seed: int) -> list[Event]:
    """Return events in any mixture: units come, units are painted, and `due` is asked."""
    rng = random.Random(seed)
    events: list[Event] = []
    now, epoch, received, painted = 1000.0, 1, 0, 0
    for _ in range(rng.randrange(60)):
        now += rng.choice([0, 0.5, 3, 5, 16, 75])
        match rng.choices(("received", "painted", "due", "begin", "epoch"), (8, 8, 8, 1, 1))[0]:
            case "received":
                received += rng.choice([1, 1, 1, 4])
                events.append(("received", epoch, received, rng.random() < 0.7, now))
            case "painted":
                painted = rng.randint(painted, received)
                of = epoch - 1 if rng.random() < 0.1 else epoch
                events.append(("painted", of, painted, now))
            case "due":
                events.append(("due", now))
            case "begin":
                events.append(("begin",))
            case _:
                epoch, received, painted = epoch + 1, 0, 0
    return events


def answers(events: list[Event]) -> list[list[object]]:
    """Return what the model says after each event."""
    acks = Acks()
    found: list[list[object]] = []
    for what, *values in events:
        told: Told | None = getattr(acks, what)(*values)
        found.append([told and [told.epoch, told.received, told.painted], acks.due_ms])
    return found


def test_the_browsers_code_and_its_model_say_the_same(tmp_path: Path) -> None:
    scenarios = [scenario(seed) for seed in range(500)]
    driver = tmp_path / "driver.mjs"
    driver.write_text(DRIVER.replace("ACKS", (WEB / "video" / "acknowledgements.js").as_uri()))
    ran = subprocess.run(
        ["node", driver],
        input=json.dumps(scenarios),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said = json.loads(ran.stdout)
    assert said["ACK_RELAXED_MS"] == ACK_RELAXED_MS < 1000 * RELAXED_S
    for events, browser in zip(scenarios, said["answers"], strict=True):
        assert browser == answers(events), events
