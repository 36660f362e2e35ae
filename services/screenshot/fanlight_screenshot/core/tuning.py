"""The constants of the service's algorithms, put together so that a test can pass others.

Pure. No operator turns these: what an operator would turn is in `settings`.
"""

from dataclasses import dataclass, field

from fanlight_screenshot.core.admission import AdmissionLimits
from fanlight_screenshot.core.grabs import GrabTimes
from fanlight_screenshot.core.patch_limits import PatchLimits
from fanlight_screenshot.core.pointer_times import PointerTimes


@dataclass(frozen=True, slots=True)
class Tuning:
    """All constants of the service."""

    grabs: GrabTimes = field(default_factory=GrabTimes)
    patches: PatchLimits = field(default_factory=PatchLimits)
    pointer: PointerTimes = field(default_factory=PointerTimes)
    admission: AdmissionLimits | None = None
    """None means the limits in the settings."""
