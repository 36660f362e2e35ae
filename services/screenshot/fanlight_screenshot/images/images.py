"""From pixels to screenshots: conversion, scaling, the pointer, encoding. No state.

Runs in the pool's threads; the codecs release the interpreter lock. A JPEG of all of the desk is
made straight from BGRX by simplejpeg, everything else by Pillow. Measured at 1920 x 1080:
conversion 1 to 3 ms, WebP 28 ms, PNG 33 ms; a JPEG of quality 70, conversion included, 7.3 ms by
Pillow and 5.6 ms by simplejpeg, of the same size and quality.
"""

import io
from typing import Any

import simplejpeg
from PIL import Image

from fanlight_common.core.errors import ProtocolError
from fanlight_common.patching.pixels import Pixels
from fanlight_common.protocol import binary
from fanlight_screenshot.core.parameters import Format, Parameters

_PNG_LEVEL = 1  # 33 ms; the default takes ten times as long for a tenth less
_WEBP_METHOD = 0
_FULL_CHROMA_QUALITY = 90
"""From this JPEG quality on colour has full resolution: thin coloured text stays sharp."""
_MAX_POINTER_SIDE = 1024

Image.MAX_IMAGE_PIXELS = _MAX_POINTER_SIDE**2  # only pointers are ever decoded


def from_bgrx(pixels: Pixels) -> Image.Image:
    """A picture for Pillow."""
    height, width = pixels.shape[:2]
    data: Any = pixels  # any buffer will do, Pillow's annotation is narrower
    return Image.frombuffer("RGB", (width, height), data, "raw", "BGRX", 4 * width, 1)


def is_direct(parameters: Parameters) -> bool:
    """Whether `encode_directly` can make it."""
    return parameters.format is Format.JPEG and parameters.scale == 1


def encode_directly(pixels: Pixels, parameters: Parameters) -> bytes:
    """All of a desk as the bytes of a JPEG file."""
    data: bytes = simplejpeg.encode_jpeg(
        pixels,
        quality=parameters.quality,
        colorspace="BGRX",
        colorsubsampling="444" if _full_chroma(parameters) else "420",
    )
    return data


def decode_pointer(shape: binary.PointerShape) -> Image.Image | None:
    """The pointer's image, RGBA; None for a hidden pointer. Raises ProtocolError."""
    if not shape.png:
        return None
    try:
        with Image.open(io.BytesIO(shape.png), formats=["PNG"]) as image:
            return image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # SyntaxError is what Pillow's PNG parser raises for a broken chunk.
        raise ProtocolError(f"pointer shape: {error}") from None


def with_pointer(
    image: Image.Image, pointer: Image.Image, position: tuple[int, int], hotspot: tuple[int, int]
) -> Image.Image:
    """A copy of `image` with the pointer at `position` (fractions in 1/65536)."""
    x = (position[0] * image.width >> 16) - hotspot[0]
    y = (position[1] * image.height >> 16) - hotspot[1]
    drawn = image.copy()
    # The mask is the pointer's own alpha; paste clips at the edges.
    drawn.paste(pointer, (x, y), pointer)
    return drawn


def encode(image: Image.Image, parameters: Parameters) -> bytes:
    """The image's bytes, scaled and encoded as asked for."""
    if parameters.scale < 1:
        size = (
            max(1, round(image.width * parameters.scale)),
            max(1, round(image.height * parameters.scale)),
        )
        # Hamming keeps text readable without halos; the gap lets a box filter do most of the work.
        image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
    out = io.BytesIO()
    match parameters.format:
        case Format.JPEG:
            sampling = 0 if _full_chroma(parameters) else 2
            image.save(out, "JPEG", quality=parameters.quality, subsampling=sampling)
        case Format.PNG:
            image.save(out, "PNG", compress_level=_PNG_LEVEL)
        case Format.WEBP:
            image.save(out, "WEBP", quality=parameters.quality, method=_WEBP_METHOD)
    return out.getvalue()


def _full_chroma(parameters: Parameters) -> bool:
    return parameters.quality >= _FULL_CHROMA_QUALITY
