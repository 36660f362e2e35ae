"""The supervisor, with real processes that live, die and misbehave."""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from fanlight_launcher.core import process_life
from fanlight_launcher.core.process_spec import Phase, ProcessSpec, always
from fanlight_launcher.processes import process as process_module
from fanlight_launcher.processes import supervisor
from fanlight_launcher.processes.supervisor import GaveUpError
from tests.launcher.conftest import LIMIT_S, Watched, announcing, script

pytestmark = pytest.mark.processes

SLEEP = "import time; print('up', flush=True); time.sleep(1000)"
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(1000)"
)


def alive(pid: int) -> bool:
    """Return whether there is a process with this id that is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def test_a_process_runs_prints_and_stops(watched: Watched) -> None:
    watched.supervisor.add([script("a", SLEEP)])
    await watched.supervisor.running("a")
    await watched.until(lambda: watched.lines == [("a", "up")])
    (pid,) = watched.pids("a")
    await watched.supervisor.stop()
    assert watched.phases("a") == [Phase.STARTING, Phase.RUNNING, Phase.STOPPED]
    assert not alive(pid)


async def test_noise_is_not_logged(watched: Watched) -> None:
    code = "import time; print('tick', 'tock', 'a tick', sep='\\n', flush=True); time.sleep(1000)"
    watched.supervisor.add([ProcessSpec("a", always(sys.executable, "-c", code), {}, noise="tick")])
    await watched.until(lambda: len(watched.lines) == 2)
    assert watched.lines == [("a", "tock"), ("a", "a tick")]


async def test_a_process_that_is_killed_is_started_again_at_once(watched: Watched) -> None:
    watched.supervisor.add([script("a", SLEEP)])
    await watched.supervisor.running("a")
    os.kill(watched.pids("a")[0], signal.SIGKILL)
    await watched.until(lambda: len(watched.pids("a")) == 2)
    (again,) = [state for state in watched.states if state.phase is Phase.RESTARTING]
    assert again.detail == "killed by SIGKILL"


async def test_five_deaths_within_a_minute_are_a_failure(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    watched.supervisor.add([script("good", SLEEP), script("bad", "raise SystemExit(3)")])
    with pytest.raises(GaveUpError, match="bad ended with status 3; 5 deaths within 60 s"):
        await asyncio.wait_for(watched.supervisor.failure(), LIMIT_S)
    assert len(watched.pids("bad")) == 5
    assert watched.phases("bad")[-1] is Phase.FAILED
    # The supervisor leaves it to its caller to stop the others.
    assert alive(watched.pids("good")[0])


async def test_a_process_with_wrong_settings_is_not_started_again(watched: Watched) -> None:
    watched.supervisor.add([script("bad", "raise SystemExit(2)")])
    with pytest.raises(GaveUpError, match="its settings are wrong"):
        await asyncio.wait_for(watched.supervisor.failure(), LIMIT_S)
    assert len(watched.pids("bad")) == 1


async def test_a_program_that_does_not_exist_is_named_in_the_failure(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    watched.supervisor.add([ProcessSpec("x", always("/nowhere/x"), {})])
    with pytest.raises(GaveUpError, match=r"cannot be started \(No such file"):
        await asyncio.wait_for(watched.supervisor.failure(), LIMIT_S)


async def test_a_process_that_is_not_essential_pauses_instead(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(process_life, "REST_S", 0.01)
    watched.supervisor.add(
        [ProcessSpec("toy", always(sys.executable, "-c", ""), {}, essential=False)]
    )
    await watched.until(lambda: len(watched.pids("toy")) > 6)


async def test_a_process_that_ignores_sigterm_is_killed(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "STOP_S", 0.2)
    watched.supervisor.add([script("a", IGNORES_SIGTERM)])
    await watched.until(lambda: watched.lines == [("a", "up")])
    await watched.supervisor.stop()
    assert not alive(watched.pids("a")[0])


async def test_kill_ends_a_stop_that_waits(watched: Watched) -> None:
    watched.supervisor.add([script("a", IGNORES_SIGTERM)])
    await watched.until(lambda: watched.lines == [("a", "up")])
    stopping = asyncio.create_task(watched.supervisor.stop())
    await asyncio.sleep(0)
    watched.supervisor.kill()
    # This is much less than the time that SIGTERM leaves.
    await asyncio.wait_for(stopping, process_module.STOP_S / 2)


async def test_grandchildren_end_with_it(watched: Watched) -> None:
    parent = (
        "import subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]);"
        "print(child.pid, flush=True); time.sleep(1000)"
    )
    watched.supervisor.add([script("a", parent)])
    await watched.until(lambda: len(watched.lines) == 2)
    (grandchild,) = [int(line) for _, line in watched.lines if line.isdecimal()]
    # Only the parent is killed. Its child must not live on beside that of the next start.
    os.kill(watched.pids("a")[0], signal.SIGKILL)
    await watched.until(lambda: not alive(grandchild))


async def test_children_end_when_the_launcher_is_killed() -> None:
    launcher = (
        "import asyncio, os, sys;"
        "from fanlight_launcher.core.process_spec import ProcessSpec, always;"
        "from fanlight_launcher.processes.supervisor import Supervisor\n"
        "async def main():\n"
        "    s = Supervisor(lambda state: None, lambda name, line: print(line, flush=True))\n"
        "    code = 'import os, time; print(os.getpid(), flush=True); time.sleep(1000)'\n"
        "    s.add([ProcessSpec('a', always(sys.executable, '-c', code), {})])\n"
        "    await asyncio.sleep(1000)\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", launcher, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    child = int(await asyncio.wait_for(process.stdout.readline(), LIMIT_S))
    assert alive(child)
    process.kill()
    await process.wait()
    async with asyncio.timeout(LIMIT_S):
        while alive(child):  # noqa: ASYNC110  # what it waits for is in another process
            await asyncio.sleep(0.01)


async def test_the_later_wave_ends_first(watched: Watched) -> None:
    watched.supervisor.add([script("desk", SLEEP)])
    watched.supervisor.add([script("service", SLEEP)])
    await watched.until(lambda: len(watched.lines) == 2)
    await watched.supervisor.stop()
    stopped = [state.name for state in watched.states if state.phase is Phase.STOPPED]
    assert stopped == ["service", "desk"]


SERVER = "import os, sys, time; os.write(int(sys.argv[1]), b'7\\n'); time.sleep(1000)"


async def test_a_process_starts_and_ends_with_what_it_needs(watched: Watched) -> None:
    numbers: list[str] = []
    client = ProcessSpec("client", always(sys.executable, "-c", SLEEP), {}, needs="server")
    once = ProcessSpec(
        "once", always(sys.executable, "-c", "print('did')"), {}, needs="server", once=True
    )
    server = ProcessSpec("server", announcing(SERVER), {}, announced=numbers.append)
    watched.supervisor.add([client, once, server])
    await watched.until(lambda: Phase.DONE in watched.phases("once"))
    await watched.supervisor.running("client")
    assert numbers == ["7"]
    assert watched.phases("client")[0] is Phase.WAITING

    def lived(times: int) -> bool:
        done = watched.phases("once").count(Phase.DONE)
        return len(watched.pids("client")) == done == times

    for life in (2, 3, 4):
        # When an X server dies, so do its clients, and a client may be seen to die first.
        os.kill(watched.pids("client")[-1], signal.SIGKILL)
        os.kill(watched.pids("server")[-1], signal.SIGKILL)
        await watched.until(partial(lived, life))
    # These deaths do not count as faults of the client.
    assert Phase.RESTARTING not in watched.phases("client")
    assert numbers == ["7"] * 4


async def test_a_client_that_dies_alone_is_started_again(watched: Watched) -> None:
    server = ProcessSpec("server", announcing(SERVER), {}, announced=lambda _: None)
    client = ProcessSpec("client", always(sys.executable, "-c", SLEEP), {}, needs="server")
    watched.supervisor.add([server, client])
    await watched.supervisor.running("client")
    os.kill(watched.pids("client")[0], signal.SIGKILL)
    await watched.until(lambda: len(watched.pids("client")) == 2)
    assert Phase.RESTARTING in watched.phases("client")


async def test_a_process_that_runs_once_is_not_started_again(watched: Watched) -> None:
    watched.supervisor.add([ProcessSpec("once", always(sys.executable, "-c", ""), {}, once=True)])
    await watched.until(lambda: Phase.DONE in watched.phases("once"))
    assert watched.phases("once") == [Phase.STARTING, Phase.RUNNING, Phase.DONE]


async def test_a_server_that_announces_nothing_does_not_count_as_running(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(supervisor, "_READY_S", 0.1)
    monkeypatch.setattr(supervisor, "_SAME_CAUSE_S", 0.05)
    watched.supervisor.add([ProcessSpec("mute", announcing(SLEEP), {}, announced=lambda _: None)])
    with pytest.raises(GaveUpError, match="was not ready"):
        await asyncio.wait_for(watched.supervisor.failure(), LIMIT_S)
    assert watched.pids("mute") == []


async def test_the_failure_has_the_status_of_a_server_that_dies_at_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    server = ProcessSpec("dead", announcing("raise SystemExit(7)"), {}, announced=lambda _: None)
    watched.supervisor.add([server])
    with pytest.raises(GaveUpError, match="dead ended with status 7"):
        await asyncio.wait_for(watched.supervisor.failure(), LIMIT_S)


async def test_a_server_that_does_not_exist_leaks_no_descriptor(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    before = len(os.listdir("/proc/self/fd"))
    watched.supervisor.add(
        [ProcessSpec("x", lambda _: ["/nowhere/x"], {}, announced=lambda _: None)]
    )
    with pytest.raises(GaveUpError, match="cannot be started"):
        await asyncio.wait_for(watched.supervisor.failure(), LIMIT_S)
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_odd_output_is_survived(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_LONGEST_LINE_BYTES", 1000)
    code = (
        "import sys; o = sys.stdout.buffer; o.write(b'caf\\xe9\\n' + b'x' * 5000 + b'\\nend\\n');"
        "o.flush(); import time; time.sleep(1000)"
    )
    watched.supervisor.add([script("a", code)])
    await watched.until(lambda: ("a", "end") in watched.lines)
    assert watched.lines[0] == ("a", "caf\ufffd")
    assert any("was dropped" in line for _, line in watched.lines)


async def test_the_environment_is_the_launcher_s_and_more(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLD", "1")
    code = "import os; print(os.environ['OLD'], os.environ['NEW'])"
    watched.supervisor.add(
        [ProcessSpec("a", always(sys.executable, "-c", code), {"NEW": "2"}, once=True)]
    )
    await watched.until(lambda: watched.lines == [("a", "1 2")])


def test_reasons_of_an_end() -> None:
    assert supervisor._reason(0) == "ended with status 0"
    assert supervisor._reason(-11) == "killed by SIGSEGV"
    assert supervisor._reason(-63) == "killed by signal 63"


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the pauses between restarts; test_restarts tests how long they are."""
    monkeypatch.setattr("fanlight_launcher.core.restarts._DELAYS_S", (0.0,) * 4)
