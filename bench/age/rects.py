"""The load `rects`: 30 rectangles a second of random sizes and colours, the same in each run."""

import argparse
import random

from bench.age import pacing, xwindow

LEFT, TOP, WIDTH, HEIGHT = 60, 60, 1200, 640
RATE = 30.0


def rectangle(rng: random.Random) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a rectangle that lies within the window."""
    width, height = rng.randint(8, 400), rng.randint(8, 300)
    return rng.randrange(WIDTH - width), rng.randrange(HEIGHT - height), width, height


def main() -> None:
    """Draw until the process is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--display", required=True)
    window = xwindow.open_window(parser.parse_args().display, LEFT, TOP, WIDTH, HEIGHT)
    rng = random.Random(1)
    contexts = [window.context(rng.randrange(1 << 24)) for _ in range(64)]
    print("ready", flush=True)
    for _ in pacing.ticks(RATE):
        window.fill(rng.choice(contexts), rectangle(rng))
        window.connection.flush()


if __name__ == "__main__":
    main()
