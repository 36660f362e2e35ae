"""What admission and transports use of the gateway. `gateway.Gateway` is the one implementation.

The gateway makes viewers, so it imports them. Transports need the gateway to admit a browser and to
register a viewer, so they know it by this interface only, and the imports run in one direction.
"""

from typing import Protocol

from starlette.requests import HTTPConnection, Request

from fanlight_common.core.grants import Grant
from fanlight_common.protocol import bus, control
from fanlight_gateway.limits import Limits
from fanlight_gateway.settings import ViewerSettings
from fanlight_gateway.streams.desk_book import DeskBook
from fanlight_gateway.viewers.transport import Transport
from fanlight_gateway.viewers.viewer import Viewer


class TokenCheck(Protocol):
    """Says who may connect. `http.auth.Auth` is the one implementation."""

    def grant(self, connection: HTTPConnection) -> Grant:
        """Return what the connection's token grants. Raises TokenError."""

    def require_desk(self, request: Request, desk: str) -> Grant:
        """Return what the request's token grants. Raises the answer 401, or 403 if it does not
        allow this desk."""

    def same_site(self, connection: HTTPConnection) -> bool:
        """Does the connection come from a page that may talk to this gateway?"""


class TransportHost(Protocol):
    """The gateway, as admission and transports see it. Lives on the worker's loop."""

    @property
    def limits(self) -> Limits:
        """The gateway's constants."""

    @property
    def viewer_settings(self) -> ViewerSettings:
        """What viewers are told in Welcome."""

    @property
    def auth(self) -> TokenCheck:
        """Checks tokens and origins."""

    @property
    def book(self) -> DeskBook:
        """What the directory says of desks."""

    def is_settled(self) -> bool:
        """Would a desk that exists be known by now?"""

    def add_transport(self, transport: Transport) -> None:
        """Register a connection that has opened. It may be closed before this returns."""

    def remove_transport(self, transport: Transport) -> None:
        """Forget a connection that has ended. Removing it again does no harm."""

    def add_viewer(
        self, hello: control.Hello, grant: Grant, record: bus.DeskRecord, transport: Transport
    ) -> Viewer:
        """Make the viewer of a browser that was admitted and has said hello."""

    def remove_viewer(self, viewer: Viewer) -> None:
        """End a viewer whose connection has ended."""
