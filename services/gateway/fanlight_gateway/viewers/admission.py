"""Admission: checks the token, the desk and the hello of a browser that connects by any transport.

Lives on the worker's loop. Transports differ in how they tell a refusal, not in what is refused.
`http.auth.Auth.grant` checks the tokens.
"""

import logging

from starlette.requests import HTTPConnection

from fanlight_common.core.errors import (
    FanlightError,
    NotUnderstoodError,
    ProtocolError,
    TokenError,
)
from fanlight_common.core.grants import Grant
from fanlight_common.core.names import check_name
from fanlight_common.process import refusals
from fanlight_common.protocol import bus, control
from fanlight_common.protocol.binary import PROTOCOL_VERSION, CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.viewers.transport_host import TransportHost

log = logging.getLogger(__name__)

FOREIGN_ORIGIN = "pages of other sites may not connect (FANLIGHT_GATEWAY_ALLOWED_ORIGINS)"


class NotAdmittedError(FanlightError):
    """A viewer is not admitted. `code` and `reason` are for the viewer."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def admit(
    gateway: TransportHost, connection: HTTPConnection, desk: str
) -> tuple[Grant, bus.DeskRecord]:
    """Check the connection's token, and find the desk.

    Waits up to `desk_wait_s` for a desk that is not known. Returns what the token grants, and the
    desk's record. Raises NotAdmittedError.
    """
    try:
        grant = gateway.auth.grant(connection)
    except TokenError as error:
        raise NotAdmittedError(CloseCode.UNAUTHORIZED, str(error)) from None
    if not grant.allows(desk):
        raise NotAdmittedError(CloseCode.FORBIDDEN, "the token does not allow this desk")
    try:
        record = await gateway.book.desk(check_name(desk), gateway.limits.transport.desk_wait_s)
    except ProtocolError:
        record = None
    if record is not None:
        return grant, record
    if gateway.is_settled():
        raise NotAdmittedError(CloseCode.NO_SUCH_DESK, "a desk of this name was never seen")
    raise NotAdmittedError(CloseCode.TRY_LATER, "the desks are not known yet; come back")


def read_hello(message: bytes | str) -> control.Hello:
    """Decode a viewer's first message. Raises NotAdmittedError."""
    try:
        hello = control.decode_from_viewer(message) if isinstance(message, str) else None
        if not isinstance(hello, control.Hello):
            raise ProtocolError("the first message has to be hello")
        if hello.protocol != PROTOCOL_VERSION:
            raise NotUnderstoodError(
                f"viewer of protocol {hello.protocol}, this gateway speaks {PROTOCOL_VERSION}",
                "Hello",
                hello.protocol,
                PROTOCOL_VERSION,
            )
    except ProtocolError as error:
        refusals.note(log, "hello", error)
        metrics.refused.labels("bad_message").inc()
        raise NotAdmittedError(CloseCode.BAD_MESSAGE, str(error)) from None
    return hello


def welcome(gateway: TransportHost, grant: Grant, record: bus.DeskRecord) -> control.Welcome:
    """Return the first message to a viewer that is admitted."""
    return control.Welcome(record.desk, str(grant.role), gateway.viewer_settings.model_dump())
