"""The picture-age meter: `python -m bench.age [--load scroll] [--link 2/100] [--seconds 10]`.

It starts an X server of 1080p, the barcode clock, a load, fanlight, and a headless Chromium behind
the link. It prints one line of JSON: ages of the painted picture, pictures a second, Mbit/s, and
each service's share of a core. With --url it measures any other page, which must show --display.
"""

import argparse
import json

from bench import links, systems
from bench.age import cell, loads


def main() -> None:
    """Measure as the command line says."""
    defaults = cell.Settings()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", choices=loads.NAMES, default="scroll")
    parser.add_argument("--link", type=links.parse, default=links.Link(), help="none or MBIT/RTT")
    parser.add_argument("--mode", choices=("open", "fallback", "retry"), default="open")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds before")
    parser.add_argument("--size", default=defaults.size)
    parser.add_argument("--rate", type=float, default=defaults.rate, help="clock marks a second")
    parser.add_argument("--budget", type=float, default=defaults.budget, help="see meter.js")
    parser.add_argument("--display", default="", help="this display instead of one of its own")
    parser.add_argument("--url", help="a page that shows --display; default: start fanlight")
    parser.add_argument("--screenshot", help="write a PNG of the page here at the end")
    arguments = parser.parse_args()
    if arguments.url and not arguments.display:
        parser.error("--url wants --display")
    system: systems.System = systems.Fanlight(arguments.display)
    if arguments.url:
        system = systems.AnyPage(arguments.url, arguments.display)
    settings = cell.Settings(
        seconds=arguments.seconds,
        warm_up=arguments.warm_up,
        size=arguments.size,
        rate=arguments.rate,
        budget=arguments.budget,
        screenshot=arguments.screenshot,
    )
    result = cell.run(system, arguments.load, arguments.link, arguments.mode, settings)
    result.pop("percentiles_ms")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
