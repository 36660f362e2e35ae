"""How long a screenshot takes, and how often a picture is encoded however many ask for it.

Requests go by keep-alive HTTP to the screenshot service on the same machine, in turn with the
limits. For fresh screenshots the limit is grab and JPEG in one process, for the others a server
that answers with the same bytes.
"""

import asyncio
import contextlib
import http.client
import statistics
import subprocess
import time
from collections.abc import Iterator

from bench.age import loads, pacing
from bench.performance import stack
from bench.performance.rows import Measured
from bench.performance.settings import Settings
from bench.processes import module, started, x_server

RATE = 20.0
"""Requests a second. The desk changes more often, so that each request finds a new picture."""
PATH = "/desks/main/screenshot"
_EMPTY_BYTES = 0
_WAIT_S = 5


def fetched(
    connection: http.client.HTTPConnection, headers: dict[str, str]
) -> tuple[int, str, int, float]:
    """Request a screenshot. Return status, entity tag, bytes and milliseconds."""
    began = time.monotonic_ns()
    connection.request("GET", PATH, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    took_ms = (time.monotonic_ns() - began) / 1e6
    return answer.status, answer.getheader("ETag", ""), len(body), took_ms


@contextlib.contextmanager
def client(port: int) -> Iterator[http.client.HTTPConnection]:
    """Open a connection, which is kept until the block ends."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def fresh(port: int, count: int) -> list[float]:
    """Return the milliseconds of requests each of which has a new picture.

    Raises RuntimeError if fewer than half of them have.
    """
    took, seen = [], set()
    with client(port) as connection:
        for tick in pacing.ticks(RATE):
            status, tag, _, ms = fetched(connection, {})
            # The very first request waits until the service has learnt of the desk.
            if status == 200 and tag not in seen and tick:
                took.append(ms)
            seen.add(tag)
            if tick >= count:
                break
    if len(took) < count / 2:
        raise RuntimeError(f"of {count} screenshots only {len(took)} were new pictures")
    return took


def known(port: int, count: int, *, conditional: bool) -> tuple[list[float], int]:
    """Return the milliseconds of requests for a picture that is encoded already, and its bytes."""
    took = []
    with client(port) as connection:
        for _ in range(2):
            _, tag, size, _ = fetched(connection, {})
        headers = {"If-None-Match": tag} if conditional else {}
        for tick in pacing.ticks(5 * RATE):
            status, again, _, ms = fetched(connection, headers)
            if status != (304 if conditional else 200) or again != tag:
                raise RuntimeError(f"{status} {again} for a picture that did not change, {tag}")
            took.append(ms)
            if tick + 1 >= count:
                break
    return took, size


def plain(size_bytes: int, count: int) -> float:
    """Return the limit's median in ms: a server that has the bytes answers at once."""
    command = module("bench.limit", "answers", "--bytes", str(size_bytes))
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        took = []
        with client(port) as connection:
            for tick in pacing.ticks(5 * RATE):
                took.append(fetched(connection, {})[3])
                if tick + 1 >= count:
                    break
    return statistics.median(took)


def screenshots(settings: Settings) -> list[Measured]:
    """Measure fresh screenshots under a load, and the others on an idle desk."""
    kinds = ("screenshot-fresh", "screenshot-cached", "screenshot-304")
    runs: dict[str, list[float]] = {kind: [] for kind in kinds}
    limits: dict[str, list[float]] = {kind: [] for kind in kinds}
    count, port = settings.requests, 0
    with x_server(settings.size) as (display, _), stack.running(display) as running:
        port = running.screenshot_port
        wait_for_desk(port)
        for _ in range(settings.rounds):
            with loads.running("scroll", display):
                time.sleep(settings.warm_up)
                loop = stack.limit("screenshots", display, count / RATE, RATE)
                limits["screenshot-fresh"].append(loop["median_ms"])
                runs["screenshot-fresh"].append(statistics.median(fresh(port, count)))
            time.sleep(0.5)
            took, size = known(port, count, conditional=False)
            limits["screenshot-cached"].append(plain(size, count))
            runs["screenshot-cached"].append(statistics.median(took))
            took, _ = known(port, count, conditional=True)
            limits["screenshot-304"].append(plain(_EMPTY_BYTES, count))
            runs["screenshot-304"].append(statistics.median(took))
    names = ("grab and JPEG", "plain answer", "plain answer")
    return [
        Measured(kind, runs[kind], limits[kind], name, {"bytes": size})
        for kind, name in zip(kinds, names, strict=True)
    ]


def wait_for_desk(port: int, limit_s: float = 20.0) -> None:
    """Wait until there is a picture. Raises RuntimeError after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), client(port) as connection:
            if fetched(connection, {})[0] == 200:
                return
        time.sleep(0.2)
    raise RuntimeError("there is no screenshot to be had")


def polling(settings: Settings) -> list[Measured]:
    """Let many clients ask for every picture of a desk on which somebody types."""
    with (
        x_server(settings.size) as (display, _),
        stack.running(display) as running,
        loads.running("type", display),
    ):
        wait_for_desk(running.screenshot_port)
        time.sleep(settings.warm_up)
        name = "fanlight_screenshot_encodes_total"
        before = running.metric("screenshot", name)
        tags, answers = asyncio.run(_poll(running.screenshot_port, settings))
        encodes = running.metric("screenshot", name) - before
    return [
        Measured(
            "polling",
            [encodes / len(tags)],
            details={"encodes": encodes, "pictures": len(tags), "answers": answers},
        )
    ]


async def _poll(port: int, settings: Settings) -> tuple[set[str], int]:
    """Return the tags of the pictures that were answered, and the number of answers."""
    tags: set[str] = set()
    answers = 0
    ends = time.monotonic() + settings.seconds

    async def poller() -> None:
        nonlocal answers
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        tag = '""'
        while time.monotonic() < ends:
            request = (
                f"GET {PATH}?wait={_WAIT_S} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {tag}\r\n\r\n"
            )
            writer.write(request.encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(fields.get("content-length", "0")))
            if " 200 " in head.split("\r\n")[0]:
                tag = fields["etag"]
                tags.add(tag)
                answers += 1
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(settings.pollers):
            group.create_task(poller())
    return tags, answers
