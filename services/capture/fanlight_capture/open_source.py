"""Opens the source that the settings name. The one place that knows which kinds there are.

Another kind of display is another folder beside `x11/` and `pattern/`, a value of
`CaptureSettings.source`, and a case here.
"""

from collections.abc import Awaitable, Callable

from fanlight_capture.pattern.source import PatternSource
from fanlight_capture.settings import CaptureSettings
from fanlight_capture.source import Listener, Source

OpenSource = Callable[[Listener, CaptureSettings], Awaitable[Source]]
"""Creates a source, which tells the listener what happens. Raises SourceLostError while there is no
display, ConfigurationError for a display that cannot be used."""


async def open_source(listener: Listener, settings: CaptureSettings) -> Source:
    """The source that the settings name. Raises as OpenSource says."""
    match settings.source:
        case "pattern":
            return PatternSource(listener, settings.pattern_mode, settings.pattern_input_log)
        case "x11":
            # Imported here, so that a synthetic desk needs no X libraries.
            from fanlight_capture.x11.source import open_x11

            return await open_x11(listener, settings.display_name)
