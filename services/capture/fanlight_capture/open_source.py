"""Opens the source that the settings name. Only this module knows which kinds there are.

Lives on the worker's loop; owns and drops nothing. Another kind of display is another folder beside
`x11/` and `pattern/`, a value of `CaptureSettings.source`, and a case here. The launcher sets that
value to "x11" for every desk (`fanlight_launcher/core/plan.py`).
"""

from collections.abc import Awaitable, Callable

from fanlight_capture.pattern.source import PatternSource
from fanlight_capture.settings import CaptureSettings
from fanlight_capture.source import Listener, Source

OpenSource = Callable[[Listener, CaptureSettings], Awaitable[Source]]
"""Creates a source, which tells the listener what happens. Raises SourceLostError while there is no
display, and ConfigurationError if the display cannot be used."""


async def open_source(listener: Listener, settings: CaptureSettings) -> Source:
    """Open the source that the settings name. Raises as OpenSource says."""
    match settings.source:
        case "pattern":
            return PatternSource(listener, settings.pattern_mode, settings.pattern_input_log)
        case "x11":
            # This is imported here, so that a synthetic desk needs no X libraries.
            from fanlight_capture.x11.source import open_x11

            return await open_x11(listener, settings.display_name)
