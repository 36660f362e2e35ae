"""Makes the two TUN devices, one in this namespace and one in a new one, with their routes.

Nothing has to be removed: a device lasts as long as its descriptor, and the namespace, which has no
name, as long as a process is in it.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import struct
import subprocess
from pathlib import Path

NEAR, FAR = "10.77.{}.1", "10.77.{}.2"
FAR_DEVICE = "netlab0"  # Not tun0: Chromium takes a tun for a VPN, and itself for offline.
MTU = 1500
RING_PACKETS = 5000
"""What the kernel keeps while the forwarder is late; its own 500 are a burst of a few ms."""

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)  # os.setns and os.unshare come with Python 3.12


class DeviceError(Exception):
    """A device or a namespace cannot be made."""


def open_tun(name: str) -> tuple[int, str]:
    """Return a TUN device's descriptor and name. `%d` in `name` becomes the first free number.

    The device lasts as long as the descriptor.
    """
    request = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI)
    try:
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        made = fcntl.ioctl(tun, _TUNSETIFF, request)
    except OSError as error:
        raise DeviceError(f"no TUN device: {error.strerror}") from None
    return tun, made[:16].rstrip(b"\0").decode()


def ip(*arguments: str | int) -> None:
    """Run ip(8). Raises DeviceError if it fails."""
    command = ["ip", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise DeviceError(f"{' '.join(command)}: {ran.stderr.strip()}")


def bring_up(device: str, address: str, peer: str, congestion: str | None) -> None:
    """Give a device its address and the route to its peer."""
    with contextlib.suppress(OSError):  # without IPv6 there are no neighbour messages on the link
        Path(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6").write_text("1")
    ip("address", "add", address, "peer", peer, "dev", device)
    ip("link", "set", "dev", device, "mtu", MTU, "txqueuelen", RING_PACKETS, "up")
    if congestion:
        ip("route", "replace", peer, "dev", device, "src", address, "congctl", congestion)
    # TCP would remember what it measured to the former holder of the address.
    subprocess.run(["ip", "tcp_metrics", "flush", peer], capture_output=True, check=False)


def join(congestion: str | None) -> tuple[int, int, int]:
    """Make both ends. Return near TUN, far TUN and the laboratory's number.

    Afterwards this process is in the far namespace.
    """
    near, device = open_tun("netlab%d")
    # The kernel gave a free name, so the addresses that belong to it are free, too.
    number = int(device.removeprefix("netlab"))
    if number > 255:
        raise DeviceError("256 laboratories are open already")
    here, there = NEAR.format(number), FAR.format(number)
    bring_up(device, here, there, congestion)
    if _libc.unshare(_CLONE_NEWNET):
        raise DeviceError(f"no new network namespace: {os.strerror(ctypes.get_errno())}")
    ip("link", "set", "dev", "lo", "up")
    far, device = open_tun(FAR_DEVICE)
    bring_up(device, there, here, congestion)
    return near, far, number


def enter(namespace: int) -> None:
    """Move this thread into a network namespace, given as a descriptor."""
    if _libc.setns(namespace, _CLONE_NEWNET):
        raise DeviceError(f"no way into the namespace: {os.strerror(ctypes.get_errno())}")


def end_others() -> None:
    """Kill all other processes in this namespace, because nobody can reach them any more."""
    ours = os.readlink("/proc/self/ns/net")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "ns/net") == ours and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)
