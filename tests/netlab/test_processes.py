"""Programs on the far side: a browser and the command; and nothing is left of them."""

import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.processes import CHROMIUM, CHROMIUM_FLAGS, wait_until
from tests.netlab.lab import Lab, LabError, unavailable

ROOT = Path(__file__).parents[2]

Open = Callable[..., Lab]

ORPHAN = """
import time
from tests.netlab.lab import Lab
lab = Lab()
print(lab.pid, flush=True)
lab.popen(["sh", "-c", "echo $$; exec sleep 1000"])
time.sleep(1000)
"""


class Page(http.server.BaseHTTPRequestHandler):
    """Serves a page with a title."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>near</title>")

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests off the terminal."""


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.browser
def test_a_far_browser_opens_a_near_page(netlab: Open) -> None:
    lab = netlab(rate_mbit=5, delay_ms=50)
    with http.server.ThreadingHTTPServer((lab.near, 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=lab.wrapper(CHROMIUM), args=[*CHROMIUM_FLAGS, lab.secure(port)]
            )
            page = chromium.new_page()
            page.goto(lab.url(port))
            assert page.title() == "near"
            assert page.evaluate("isSecureContext && 'VideoDecoder' in self && navigator.onLine")
            fetched_ms = page.evaluate(
                "async () => {const t = performance.now(); await (await fetch('/x')).text();"
                " return performance.now() - t}"
            )
            assert fetched_ms >= 99  # there and back; the browser's clock is coarse
            chromium.close()
        server.shutdown()
    assert lab.read().down.carried_bytes > 0


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "netlab", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        text=True, capture_output=True, check=False,
    )  # fmt: skip


def test_the_command(netlab: Open, tmp_path: Path) -> None:
    netlab()  # or skip
    trace = tmp_path / "trace.csv"
    trace.write_text("seconds,rate\n1,2mbit\n1,1mbit\n")
    conditions = ["--delay", "1ms", "--up-loss", "0.1%", "--trace", str(trace)]
    ran = command(*conditions, "--", "sh", "-c", 'echo "$NETLAB_NEAR" "$1"; exit 3', "sh", "a b")
    assert ran.returncode == 3, ran.stderr
    address, rest = ran.stdout.split(maxsplit=1)
    assert rest == "a b\n"
    assert f"near is {address}" in ran.stderr
    assert "Mbit/s" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["--rate", "fast"], "'fast' is not a rate"), (["--trace", "/none"], "/none")],
)
def test_the_command_explains_a_mistake(arguments: list[str], problem: str) -> None:
    ran = command(*arguments, "--", "true")
    assert ran.returncode == 2
    assert problem in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_runs_far_ends_with_the_laboratory(netlab: Open) -> None:
    lab = netlab()
    with lab.popen(["sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE) as far:
        assert far.stdout
        far.stdout.readline()
        lab.close()
    assert far.returncode == -signal.SIGKILL
    assert not alive(lab.pid)
    with pytest.raises(LabError):
        lab.read()


def test_a_killed_owner_leaves_nothing(netlab: Open) -> None:
    netlab()  # or skip
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = [int(owner.stdout.readline()) for _ in range(2)]
        owner.kill()
    wait_until(lambda: not any(map(alive, pids)), "forwarder and program to end")


def test_a_wrong_condition_is_refused_at_once(netlab: Open) -> None:
    lab = netlab()
    with pytest.raises(ValueError, match="rate_mbit"):
        lab.set(rate_mbit=0)
    with pytest.raises(LabError, match=r"congctl|congestion"):
        netlab(congestion="none-such")
    assert lab.read().down.cut_packets == 0


def test_a_machine_without_the_means_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert unavailable() == "a network laboratory needs the command ip"
    monkeypatch.setattr(shutil, "which", lambda _: "there")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert unavailable() == "a network laboratory needs root and /dev/net/tun"
