"""Who gets in, whichever way they came: by a WebSocket (`connection`) or by plain HTTP (`plain`).

Lives on the worker's loop. The two ways differ in how a refusal is told, not in what is refused.
"""

import logging
from collections.abc import Callable

from starlette.requests import HTTPConnection

from fanlight_common.core.errors import FanlightError, ProtocolError, TokenError
from fanlight_common.core.grants import Grant
from fanlight_common.core.names import check_name
from fanlight_common.protocol import bus, control
from fanlight_common.protocol.binary import PROTOCOL_VERSION, CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.gateway import Closable, Gateway
from fanlight_gateway.viewers.video import Outlet
from fanlight_gateway.viewers.viewer import Viewer

log = logging.getLogger(__name__)
FOREIGN_ORIGIN = "pages of other sites may not connect (FANLIGHT_GATEWAY_ALLOWED_ORIGINS)"


class RefusedError(FanlightError):
    """A viewer does not get in."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def admit(
    gateway: Gateway, connection: HTTPConnection, desk: str
) -> tuple[Grant, bus.DeskRecord]:
    """May this viewer see this desk, and is there one? Raises RefusedError."""
    try:
        grant = gateway.auth.grant(connection)
    except TokenError as error:
        raise RefusedError(CloseCode.UNAUTHORIZED, str(error)) from None
    if not grant.allows(desk):
        raise RefusedError(CloseCode.FORBIDDEN, "the token does not allow this desk")
    try:
        record = await gateway.book.desk(check_name(desk), gateway.settings.desk_wait_s)
    except ProtocolError:
        record = None
    if record is not None:
        return grant, record
    if gateway.is_settled():
        raise RefusedError(CloseCode.NO_SUCH_DESK, "a desk of this name was never seen")
    raise RefusedError(CloseCode.TRY_LATER, "the desks are not known yet; come back")


def read_hello(message: bytes | str) -> control.Hello:
    """A viewer's first message. Raises RefusedError."""
    try:
        hello = control.decode_from_viewer(message) if isinstance(message, str) else None
        if not isinstance(hello, control.Hello):
            raise ProtocolError("the first message has to be hello")
        if hello.protocol != PROTOCOL_VERSION:
            raise ProtocolError(f"this gateway speaks protocol {PROTOCOL_VERSION}")
    except ProtocolError as error:
        metrics.refused.labels("bad_message").inc()
        raise RefusedError(CloseCode.BAD_MESSAGE, str(error)) from None
    return hello


def welcome(gateway: Gateway, grant: Grant, record: bus.DeskRecord) -> control.Welcome:
    """What a viewer that was admitted is told first."""
    return control.Welcome(record.desk, str(grant.role), gateway.viewer_settings.model_dump())


class Visit:
    """A viewer that said hello, from its entry into the gateway's books until `end`.

    An earlier connection of the same viewer is replaced, whichever way either came.
    """

    def __init__(
        self,
        gateway: Gateway,
        connection: Closable,
        hello: control.Hello,
        grant: Grant,
        record: bus.DeskRecord,
        *,
        wake: Callable[[], None],
        outlet: Outlet | None = None,
    ) -> None:
        """`wake` is called when the viewer may have something to be sent. `outlet`: where video
        goes; None: no video goes that way."""
        self._gateway = gateway
        self._connection = connection
        self._key = (record.desk, hello.viewer)
        self.viewer = Viewer(
            hello,
            grant,
            record,
            gateway.settings,
            gateway.links,
            gateway.streams,
            connection.close,
            wake,
            outlet=outlet,
            now_us=gateway.now_us,
        )
        # After the viewer has joined: the way to the desk would else end with the earlier one, and
        # be so fresh afterwards that it refuses the first keys.
        gateway.replace(self._key, connection)
        way = "http" if outlet is None else "websocket"
        log.info(
            "event=viewer_joined desk=%s viewer=%s role=%s way=%s",
            *(record.desk, self.viewer.id, grant.role, way),
        )
        metrics.viewers.labels(grant.role).inc()

    def end(self) -> None:
        """The viewer has gone: what it held goes up."""
        viewer = self.viewer
        metrics.viewers.labels(viewer.grant.role).dec()
        self._gateway.forget(self._key, self._connection)
        viewer.end()
        log.info("event=viewer_left desk=%s viewer=%s", viewer.desk, viewer.id)
