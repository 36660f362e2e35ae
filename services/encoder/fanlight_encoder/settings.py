"""What can be set of the encoder, read once in `__main__`. FANLIGHT_ENCODER_*.

The defaults are for one machine or a LAN, chosen by looking at small text (a full 1080p screen of
9 and 11 pixel letters, the worst case): see the descriptions for what was measured.
"""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fanlight_encoder.unit_settings import UnitSettings

CodecName = Literal["libx264", "h264_nvenc", "h264_vaapi"]


class EncoderSettings(UnitSettings):
    """Frames to access units: which codec, how good, how fast, how many."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_ENCODER_", frozen=True)

    codec: Literal["auto", CodecName] = Field(
        default="auto",
        description="libx264, h264_nvenc, h264_vaapi, or auto: the first that encodes a test "
        "picture at start, hardware first.",
    )
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = Field(
        default="ultrafast",
        description="libx264 preset of the `high` rendition. At 1080p and 8 Mbit/s a moving "
        "picture takes 6.6 ms of CPU with ultrafast, 10 ms with superfast, 15 ms with veryfast.",
    )
    small_preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = Field(
        default="superfast",
        description="libx264 preset of `half` and `low`, which are for thin links and have few "
        "pixels: superfast takes 0.4 to 1 ms more a picture than ultrafast, and looks better at "
        "the same rate.",
    )
    cabac: bool = Field(
        default=False,
        description="libx264's better entropy coding with ultrafast too (the other presets have "
        "it): motion looks better at the same rate, for 0.7 ms a 1080p picture at 2 Mbit/s and "
        "1.5 ms at 8 Mbit/s, and nearly as much again for who decodes without a GPU.",
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
    buffer_ms: int = Field(
        default=100,
        ge=20,
        le=2000,
        description="How far ahead of its bitrate one unit may get, in ms of that bitrate as it is "
        "at the moment: bounds the size of an IDR. At 16 Mbit/s a full screen of small text is not "
        "readable in the IDR of 50 ms (82 kB) and is in that of 100 ms (126 kB).",
    )
    qmin: int = Field(
        default=22,
        ge=1,
        le=51,
        description="Quality ceiling: the lowest quantiser. Below 24, small text cannot be told "
        "from the original; from 22 to 20, bits grow by a tenth.",
    )
    crf: float | None = Field(
        default=None,
        ge=0,
        le=51,
        description="When set: constant quality (libx264's CRF) instead of bitrate_kbps, buffer_ms "
        "and qmin, which then do nothing. 23 with gop 30 gives the settings of the "
        "cloud-gaming write-up.",
    )
    gop: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="An IDR at least every so many units; 0: only where one is asked for.",
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
    keyframes_kbps: int = Field(
        default=2000,
        ge=100,
        le=200_000,
        description="Ceiling of the `keyframes` rendition, kbit/s. It makes one picture a second, "
        "so this is also the size of one: 2000 gives at most 250 kB.",
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=64,
        description="libx264 threads a stream (slices of one picture, no delay); 0: one a core. "
        "On two cores 2.5 ms a picture instead of 4.3 ms with one.",
    )
    capacity: int = Field(
        default=4, ge=1, le=256, description="How many streams this process offers to encode."
    )
    patches: bool = Field(
        default=True,
        description="Send what little changes as lossless patches instead of video, and make text "
        "sharp by patches after motion. false: H.264 alone.",
    )
    repeat_interval_ms: int = Field(
        default=30,
        ge=5,
        le=1000,
        description="After motion the last picture is encoded again, for decoders that hold "
        "pictures back: the time from one to the next. Twice, or 25 times without patches, which "
        "is what makes a full screen of small text sharp.",
    )
    idr_interval_ms: int = Field(
        default=250,
        ge=0,
        le=10_000,
        description="Least time from one IDR to the next, however many are asked for.",
    )
    room_timeout_s: float = Field(
        default=3.0,
        gt=0.1,
        le=60,
        description="A gateway's word on room counts for so long. With none heard, every frame is "
        "encoded.",
    )
    drain_s: float = Field(
        default=1.2,
        ge=0,
        le=60,
        description="After SIGTERM: how long others may take to take over what this process "
        "encodes. Without others it ends at once.",
    )
    handover_s: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="How long a stream that was given to another encoder is encoded here as well, "
        "if that one does not begin.",
    )
