"""The errors that fanlight names. Edges catch these; anything else ends the process.

Pure: standard library only.
"""


class FanlightError(Exception):
    """The root of every error that fanlight raises on purpose."""


class ProtocolError(FanlightError):
    """Bytes from outside are not a message. Decoders raise this and nothing else."""


class ConfigurationError(FanlightError):
    """A setting is wrong or something that this machine needs is missing. The text names it."""


class SourceLostError(FanlightError):
    """A display went away: the X server died or refused the connection. Capture tries again."""


class FrameLostError(FanlightError):
    """The pixels behind a descriptor were overwritten or are gone. Take the next frame."""


class SegmentLostError(FrameLostError):
    """A descriptor's shared memory cannot be attached: it has gone, or it is not for us."""


class CodecError(FanlightError):
    """An encoder could not be opened, or failed on a frame."""


class TokenError(FanlightError):
    """A token is missing, expired, forged, or does not allow what was asked."""
