"""Logging: the standard library, one line an event, key=value. Transitions are logged, frames are
counted."""

import logging
import sys


def configure(level: str) -> None:
    """Send the log to standard error, in one shape for every process."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    # httpx logs every request at INFO; screenshot polling would fill the log.
    logging.getLogger("httpx").setLevel(logging.WARNING)
