"""How long and how often the bench measures; times are in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults make a run of less than eight minutes, without the other systems."""

    size: str = "1920x1080"
    rounds: int = 3
    """Turns of fanlight, and as many of the limit."""
    seconds: float = 5.0
    """How long a turn lasts."""
    warm_up: float = 2.0
    settle: float = 12.0
    """How long nothing has to move before a desk counts as idle."""
    idle_seconds: float = 20.0
    viewers: int = 500
    requests: int = 60
    """Screenshots of each kind in each round."""
    pollers: int = 100
    openings: int = 5
    age_seconds: float = 8.0
    age_warm_up: float = 4.0
    age_rounds: int = 1
    peers: bool = True
    hours: float = 0.02
    """How long memory is watched."""


SHORT = Settings(
    size="640x480",
    rounds=1,
    seconds=1.0,
    warm_up=0.5,
    settle=1.0,
    idle_seconds=1.0,
    viewers=5,
    requests=5,
    pollers=5,
    openings=1,
    age_seconds=1.0,
    age_warm_up=0.5,
    peers=False,
    hours=0.001,
)
"""Shows that the bench works; its figures mean nothing."""
