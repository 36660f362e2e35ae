"""The error that viewers end with if their stream or desk channel has ended. Owns no state."""

from fanlight_common.core.errors import FanlightError


class SourceFailedError(FanlightError):
    """A stream or a desk's channel ended because of an error, which was logged. Its viewers end
    with it."""
