"""What an operator can set of the encoder (FANLIGHT_ENCODER_*), read once in `__main__`.

The defaults are for one machine or a LAN. They were chosen by looking at small text (a full 1080p
screen of letters of 9 and 11 pixels, the worst case); the descriptions say what was measured. All
other numbers are constants beside their algorithm, see `core.renditions.StreamParams` and
`UnitLimits`. Owns and drops nothing.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs import names
from fanlight_encoder.core.renditions import KEYFRAMES_KBPS, PROFILES, StreamParams, fps_of


def _known(codec: str) -> str:
    if codec not in (names.AUTO, *names.IMPLEMENTATIONS):
        raise ValueError(f"is one of {names.AUTO}, {', '.join(names.IMPLEMENTATIONS)}")
    return codec


class EncoderSettings(BaseSettings):
    """Frames to access units: which codec, how good, how fast, how large, how many."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_ENCODER_", frozen=True)

    codec: Annotated[str, AfterValidator(_known)] = Field(
        default=names.AUTO,
        description="libx264, h264_nvenc, h264_vaapi, or auto: the first that encodes a test "
        "picture at start, hardware first.",
    )
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = Field(
        default="ultrafast",
        description="libx264 preset of the `high` rendition. At 1080p and 8 Mbit/s a moving "
        "picture takes 6.6 ms of CPU with ultrafast, 10 ms with superfast, 15 ms with veryfast.",
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=64,
        description="libx264 threads a stream (slices of one picture, no delay); 0: one a core. "
        "On two cores a picture takes 2.5 ms instead of 4.3 ms with one.",
    )
    capacity: int = Field(
        default=4, ge=1, le=256, description="How many streams this process offers to encode."
    )
    bitrate_kbps: int = Field(
        default=16_000,
        ge=100,
        le=200_000,
        description="Ceiling of a stream's bitrate, kbit/s.",
    )
    half_kbps: int = Field(
        default=3000,
        ge=100,
        le=200_000,
        description="Ceiling of the `half` rendition, kbit/s.",
    )
    low_kbps: int = Field(
        default=1000,
        ge=100,
        le=200_000,
        description="Ceiling of the `low` rendition, kbit/s.",
    )
    qmin: int = Field(
        default=22,
        ge=1,
        le=51,
        description="Quality ceiling: the lowest quantiser. Below 24, small text cannot be told "
        "from the original; from 22 to 20, bits grow by a tenth.",
    )
    patches: bool = Field(
        default=True,
        description="Send small changes as patches instead of video, and make text sharp "
        "by patches after motion. false: video alone.",
    )
    max_fps: int = Field(default=60, ge=1, le=240, description="Most pictures a second.")
    max_width: int = Field(
        default=4096,
        ge=16,
        le=16384,
        description="A wider desk is scaled down, keeping its aspect. 4096 x 2304 is the largest "
        "frame of H.264 level 5.2, which is what browsers decode.",
    )
    max_height: int = Field(
        default=2304, ge=16, le=16384, description="A higher desk is scaled down."
    )

    def stream_params(self, rendition: Rendition) -> StreamParams:
        """Return how a stream of this rendition is made."""
        profile = PROFILES[rendition]
        kbps = {
            Rendition.HIGH: self.bitrate_kbps,
            Rendition.HALF: min(self.half_kbps, self.bitrate_kbps),
            Rendition.LOW: min(self.low_kbps, self.bitrate_kbps),
            Rendition.KEYFRAMES: KEYFRAMES_KBPS,
        }[rendition]
        return StreamParams(
            max_size=Size(self.max_width, self.max_height),
            fps=fps_of(rendition, self.max_fps),
            kbps=kbps,
            preset=profile.preset or self.preset,
            qmin=self.qmin,
            threads=self.threads,
            divisor=profile.divisor,
            patches=self.patches and profile.patches,
            keyframes_only=rendition is Rendition.KEYFRAMES,
        )
