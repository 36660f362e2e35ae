"""Who may do what: the claims of a token, and what they allow.

Pure; may be called on any thread. Owns and drops nothing: a grant is a value. How a token is signed
and verified is in `process.tokens`.
"""

from dataclasses import dataclass
from enum import StrEnum

ALL_DESKS = "*"


class Role(StrEnum):
    """What a viewer may do."""

    VIEW = "view"
    """Watch."""
    CONTROL = "control"
    """Watch, type, point, and share the clipboard."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, and until when (unix seconds). `desk` is a name, or "*" for all."""

    role: Role
    desk: str
    expires_at: int

    def allows(self, desk: str) -> bool:
        """May `desk` be watched?"""
        return self.desk in (ALL_DESKS, desk)

    def has_expired(self, now: float) -> bool:
        """Is it over at `now` (unix seconds)?"""
        return now >= self.expires_at

    @property
    def can_control(self) -> bool:
        """May its keyboard, pointer and clipboard be used?"""
        return self.role is Role.CONTROL
