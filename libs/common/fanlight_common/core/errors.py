"""The errors that fanlight names. Edges catch these; any other error ends the process.

Pure: standard library only. Owns and drops nothing, and may be raised on any thread.
"""

MISCONFIGURED = 2
"""The exit status of a process that a ConfigurationError ended. To start it again cannot help."""


class FanlightError(Exception):
    """The root of every error that fanlight raises on purpose."""


class ProtocolError(FanlightError):
    """Bytes from outside are not a message. Decoders raise this and nothing else."""


class NotUnderstoodError(ProtocolError):
    """A message of another release: its kind, its version or its form is not known here.

    `what` names the message kind, stream kind or codec. `version` is the version that the sender
    wrote, `known` the newest one that this release reads. Both are None if there is no version.
    """

    def __init__(self, text: str, what: str, version: int | None, known: int | None) -> None:
        super().__init__(text)
        self.what = what
        self.version = version
        self.known = known


class ConfigurationError(FanlightError):
    """A setting is wrong, or the machine lacks what fanlight needs. The text names it."""


class SourceLostError(FanlightError):
    """A display went away: the X server died or refused the connection. Capture tries again."""


class FrameLostError(FanlightError):
    """The pixels that a descriptor points to were overwritten or are gone. Take the next frame."""


class SegmentLostError(FrameLostError):
    """The shared memory of a descriptor cannot be attached: it has gone, or it is not for us."""


class CodecError(FanlightError):
    """An encoder could not be opened, or failed on a frame."""


class TokenError(FanlightError):
    """A token is missing, expired, forged, or does not allow what was asked."""
