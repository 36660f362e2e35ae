"""The command of the desk's X server, run as in its container: uid 10001, process 1, its own /tmp.

That /tmp outlives the container. A server that is killed leaves its lock there, with process id 1,
which is also the next one's.
"""

import os
import subprocess

import pytest

from tests.kubernetes.rendered import of_kind, rendered, template

SCRIPT = r"""
set -u
mount --make-rprivate / && mount -t tmpfs tmpfs /tmp && mkdir -m 0777 /tmp/.X11-unix || exit 90

run() {  # a container: its first process is number 1
  unshare --pid --fork setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
    --bounding-set -all -- "$@" &
  container=$!
}

stop() {
  first=$(ps -o pid= --ppid $container)
  [[ -z $first ]] || kill -9 $first
  wait $container 2>/dev/null
}

up() {  # until it answers, or has ended
  for _ in {600..1}; do
    test -S /tmp/.X11-unix/X0 && xdpyinfo -display :0 >/dev/null 2>&1 && return
    kill -0 $container 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

trap stop EXIT
run "$@" && up || exit 91
stop
xdpyinfo -display :0 >/dev/null 2>&1 && exit 92   # it is gone
test -e /tmp/.X0-lock || exit 93                  # and its lock is not,
run "${@:5}"; up && exit 94                       # which stops Xvfb by itself,
stop
run "$@" && up || exit 95                         # and not the container's command
"""


@pytest.mark.x11
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces")
def test_the_display_starts_again_in_the_tmp_that_it_left() -> None:
    (desk,) = of_kind(rendered("base"), "StatefulSet")
    (display,) = template(desk)["spec"]["initContainers"]
    command = [*display["command"], *display["args"]]
    assert command[:2] == ["sh", "-c"]
    assert command[4] == "Xvfb"
    done = subprocess.run(
        ["unshare", "--mount", "--ipc", "--net", "bash", "-c", SCRIPT, "script", *command],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
