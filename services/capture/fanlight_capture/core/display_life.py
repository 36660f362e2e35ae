"""The life of a desk's display: is it there, and when is it tried again.

Pure; lives on no thread of its own. Owns the state and the wait before the next attempt. Drops
nothing. A test holds the table and the code together:

    state       event   state after  what the service does
    CONNECTING  opened  LIVE         serves the desk
    CONNECTING  lost    AWAY         logs it, tries again after RETRY_FIRST_S
    LIVE        lost    AWAY         logs it, tries again after RETRY_FIRST_S
    AWAY        opened  LIVE         serves the desk
    AWAY        lost    AWAY         tries again after twice the wait, at most RETRY_MOST_S

- opened: an attempt to open the display has succeeded.
- lost: an attempt has failed because there is no display, or the display that was served has gone.

A display that cannot be used at all (ConfigurationError) ends the process, and so has no event.
"""

from enum import StrEnum
from typing import NamedTuple

RETRY_FIRST_S, RETRY_MOST_S = 0.25, 2.0
"""The wait before the display is tried again doubles from the first of these to the second."""


class DisplayState(StrEnum):
    """Is the display there? The values are what /healthz shows."""

    CONNECTING = "connecting"
    """It was not there yet, and no attempt has failed yet."""
    LIVE = "live"
    """It is served."""
    AWAY = "away"
    """It is not there, and is tried again and again."""


class DisplayLoss(NamedTuple):
    """What follows from a `lost`."""

    is_new: bool
    """Was the display not away before? It is not new that an attempt to get it back has failed."""
    retry_s: float
    """Seconds until the next attempt."""


class DisplayLife:
    """The display of one desk, from the start of the process on."""

    def __init__(self) -> None:
        self.state = DisplayState.CONNECTING
        """Only methods change it."""
        self._retry_s = RETRY_FIRST_S

    def opened(self) -> None:
        """Note that the display is there. Not to be called while it is LIVE."""
        self.state = DisplayState.LIVE

    def lost(self) -> DisplayLoss:
        """Note that the display is not there, or not any more. Returns what to do about it."""
        is_new = self.state is not DisplayState.AWAY
        self.state = DisplayState.AWAY
        self._retry_s = RETRY_FIRST_S if is_new else min(2 * self._retry_s, RETRY_MOST_S)
        return DisplayLoss(is_new, self._retry_s)
