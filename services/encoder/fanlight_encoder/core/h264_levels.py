"""Which H.264 level a stream has: what a decoder has to be able to do.

Pure; owns and drops nothing. libx264 would choose the level by the bitrate that it is opened with,
which stands for the most bytes of a single picture (see `codecs.x264`), and would call 1080p level
5.
"""

from fanlight_common.core.geometry import Size

_LEVELS = (
    # level, macroblocks a second, macroblocks a picture, kbit/s (Baseline)
    ("1.3", 11_880, 396, 768),
    ("2.0", 11_880, 396, 2_000),
    ("2.1", 19_800, 792, 4_000),
    ("2.2", 20_250, 1_620, 4_000),
    ("3.0", 40_500, 1_620, 10_000),
    ("3.1", 108_000, 3_600, 14_000),
    ("3.2", 216_000, 5_120, 20_000),
    ("4.0", 245_760, 8_192, 20_000),
    ("4.1", 245_760, 8_192, 50_000),
    ("4.2", 522_240, 8_704, 50_000),
    ("5.0", 589_824, 22_080, 135_000),
    ("5.1", 983_040, 36_864, 240_000),
    ("5.2", 10**9, 36_864, 10**9),
)
"""Table A-1 of the standard, without the levels that differ in nothing that matters here. 5.2 is
the highest level that browsers decode, and they accept a few pictures a second more than it
allows."""
HIGHEST = "6.2"


def level_of(size: Size, fps: int, kbps: int) -> str:
    """Return the lowest level that allows pictures of `size`, `fps` a second, at `kbps`."""
    columns, rows = -(-size.width // 16), -(-size.height // 16)
    for level, per_second, per_picture, most_kbps in _LEVELS:
        # The standard allows a side of at most the root of eight times the area.
        fits = columns * rows <= per_picture and max(columns, rows) ** 2 <= 8 * per_picture
        if fits and columns * rows * fps <= per_second and kbps <= most_kbps:
            return level
    return HIGHEST
