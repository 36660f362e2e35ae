"""Messages that a process refuses because it does not understand them: logged once, and counted.

Lives on the worker's loop. Owns the list of what was logged. In a rolling update two releases talk
to each other, so a message that one of them does not know may arrive sixty times a second. Each
kind of such a message is logged once, at warning, with both versions. Data that is no message at
all is logged at debug, because a stranger may send it as often as they like.

Remembers at most MOST_SAID kinds. Further kinds are counted and not logged.
"""

import logging

from prometheus_client import Counter

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError

MOST_SAID = 100

not_understood = Counter(
    "fanlight_not_understood_messages",
    "Messages of another release that this one does not know: kind, version or codec",
    ["where"],
)
_said: set[tuple[str, str, str, int | None]] = set()


def note(log: logging.Logger, where: str, error: ProtocolError, peer: str = "") -> None:
    """Log and count that something was refused at the socket `where`.

    `peer` is the process that sent it, or "" if the socket does not tell.
    """
    if not isinstance(error, NotUnderstoodError):
        log.debug("event=refused where=%s reason=%r", where, str(error))
        return
    not_understood.labels(where).inc()
    key = (where, peer, error.what, error.version)
    if key in _said or len(_said) >= MOST_SAID:
        return
    _said.add(key)
    log.warning(
        "event=not_understood where=%s peer=%s what=%r version=%s known=%s reason=%r",
        where,
        peer or "unknown",
        error.what,
        _version(error.version),
        _version(error.known),
        str(error),
    )
    if len(_said) == MOST_SAID:
        log.warning("event=not_understood reason='so many kinds: further ones are only counted'")


def _version(version: int | None) -> str:
    return "none" if version is None else str(version)
