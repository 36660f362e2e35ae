"""Prints what reaches an X client, `KIND TIME_MS` a line: key, button or motion, wall clock.

`python -m bench.xevents --display :9`. Its window lies over all others and is invisible.
"""

import argparse
import time

import xcffib
import xcffib.xproto as x

KINDS = {x.KeyPressEvent: "key", x.ButtonPressEvent: "button", x.MotionNotifyEvent: "motion"}


def main() -> None:
    """Print events until the process is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--display", required=True)
    connection = xcffib.connect(display=parser.parse_args().display)
    screen = connection.get_setup().roots[0]
    window = connection.generate_id()
    wanted = x.EventMask.KeyPress | x.EventMask.ButtonPress | x.EventMask.PointerMotion
    connection.core.CreateWindow(
        0, window, screen.root, 0, 0, screen.width_in_pixels, screen.height_in_pixels, 0,
        x.WindowClass.InputOnly, screen.root_visual,
        x.CW.OverrideRedirect | x.CW.EventMask, [1, wanted],
    )  # fmt: skip
    connection.core.MapWindow(window)
    connection.core.ConfigureWindow(window, x.ConfigWindow.StackMode, [x.StackMode.Above])
    connection.core.GetInputFocus().reply()
    print("ready", flush=True)
    place = None
    while True:
        event = connection.wait_for_event()
        now_ms = time.time_ns() / 1e6
        kind = KINDS.get(type(event))
        # A button is injected together with its place, so the server also reports a motion to where
        # the pointer is already.
        before, place = place, (event.root_x, event.root_y) if kind else place
        if kind and (kind != "motion" or place != before):
            print(kind, f"{now_ms:.1f}", flush=True)


if __name__ == "__main__":
    main()
