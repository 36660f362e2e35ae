"""What a subscription at the directory's outlet asks for, read from its topic. Pure."""

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.names import check_name, split_stream
from fanlight_common.protocol import topics


def presence_of(topic: bytes) -> tuple[str, str] | None:
    """Return id and instance of the process whose presence this topic is, None for others."""
    match topics.parse(topic):
        case ("present", id_, instance):
            return id_, instance
        case _:
            return None


def is_prefix_of_topics(topic: bytes) -> bool:
    """Return whether this topic is only the beginning of longer topics."""
    slashes = topic.count(b"/")
    return slashes < 2 or (slashes == 2 and topic.startswith((topics.SERVICES, topics.LEASES)))


def asked_stream(topic: bytes) -> str | None:
    """Return the stream whose lease a subscription to `topic` asks for, None if it asks for none.

    Prefixes ("", "desk/", "lease/") only listen. Raises ProtocolError if no record can ever have
    this topic.
    """
    for family in (topics.DESKS, topics.SERVICES, topics.LEASES):
        if family.startswith(topic):
            return None
    parts = topics.parse(topic)
    match parts:
        case ("desk", desk):
            check_name(desk)
        case ("present", id_, instance) if instance:
            check_name(id_)
        case ("service", *names) if len(names) <= 2:
            for name in names:
                check_name(name)
        case ("lease", desk):
            check_name(desk)
        case ("lease", desk, rendition):
            stream = f"{desk}/{rendition}"
            split_stream(stream)
            return stream
        case _:
            raise ProtocolError(f"not a topic of the directory: {topic[:80]!r}")
    return None
