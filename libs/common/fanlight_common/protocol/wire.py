"""msgpack for frozen dataclasses, so that two releases understand each other.

Pure; owns and drops nothing. msgpack is a codec without I/O, and the one library that pure code
imports (decisions 1 and 26). A message is the array [TYPE, VERSION, field, field ...], with the
fields in the order of the class. A dataclass within a message is the array of its fields.

The rules by which a message may change (docs/decisions/0023-a-bus-that-can-evolve.md):

- A new field goes to the end of its class and has a default. VERSION stays. A reader that does not
  know the field passes over it; a reader that misses it takes the default.
- A change that an old reader would misunderstand raises VERSION. A reader takes the versions from
  OLDEST (VERSION if the class has no OLDEST) to VERSION.
- A field without a default is required for ever.

A reader checks what arrives against the annotations. Another kind, another version or a missing
field raises NotUnderstoodError, everything else that does not fit raises ProtocolError. The size of
the message bounds its strings and arrays, and the sockets bound that size.
"""

import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import (
    Any,
    ClassVar,
    NamedTuple,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgpack

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError

_SCALARS = (str, int, float, bool, bytes)


class Message(Protocol):
    """A frozen dataclass with a type number and a version."""

    TYPE: ClassVar[int]
    VERSION: ClassVar[int]
    __dataclass_fields__: ClassVar[dict[str, Any]]


M = TypeVar("M", bound=Message)


def pack(message: Message) -> bytes:
    """Return the bytes of `message`."""
    data: bytes = msgpack.packb(
        [message.TYPE, message.VERSION, *_to_fields(message)], use_bin_type=True
    )
    return data


def unpack(data: bytes, *kinds: type[M]) -> M:
    """Return the message in `data`, which has to be one of `kinds`.

    Raises NotUnderstoodError if it is a message of another release, and ProtocolError if it is no
    message.
    """
    try:
        value = msgpack.unpackb(data, use_list=False, raw=False, strict_map_key=True)
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise ProtocolError(f"not msgpack: {error}") from None
    if not isinstance(value, tuple) or len(value) < 2:
        raise ProtocolError("not a message: no array with a type and a version in front")
    number, version = value[0], value[1]
    if type(number) is not int or type(version) is not int:
        raise ProtocolError("not a message: no array with a type and a version in front")
    for kind in kinds:
        if number == kind.TYPE:
            if version != kind.VERSION:
                _check_version(kind, version)
            message: M = _from_fields(_reader(kind), value, 2, version)
            return message
    raise NotUnderstoodError(
        f"unexpected message type {number}, version {version}", f"type {number}", version, None
    )


def _check_version(kind: type[M], version: int) -> None:
    oldest: int = getattr(kind, "OLDEST", kind.VERSION)
    if not oldest <= version <= kind.VERSION:
        raise NotUnderstoodError(
            f"{kind.__name__} of version {version}, this release reads {oldest} to {kind.VERSION}",
            kind.__name__,
            version,
            kind.VERSION,
        )


class _Writer(NamedTuple):
    get: Callable[[Any], Any]
    """Return the values of all fields as a tuple, or the value of the only field."""
    is_one: bool
    nested: tuple[int, ...]
    """The indexes of the fields that msgpack cannot write by itself."""


@cache
def _writer(kind: type) -> _Writer:
    names = [f.name for f in fields(kind)]
    hints = get_type_hints(kind)
    nested = (index for index, name in enumerate(names) if hints[name] not in _SCALARS)
    return _Writer(attrgetter(*names), len(names) == 1, tuple(nested))


def _to_fields(message: Any) -> list[Any]:
    kind: type = type(message)
    get, is_one, nested = _writer(kind)
    values = [get(message)] if is_one else list(get(message))
    for index in nested:
        values[index] = _to_plain(values[index])
    return values


def _to_plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    if is_dataclass(value):
        return _to_fields(value)
    return value


Check = Callable[[Any], Any]
"""Checks what msgpack read, and returns the field's value. Raises ProtocolError."""


class _Reader(NamedTuple):
    kind: type
    required: int
    """The number of fields without a default; they come first."""
    checks: tuple[tuple[Any, Check], ...]
    """For each field: a type that needs no check, and the check for any other value."""


@cache
def _reader(kind: type) -> _Reader:
    hints = get_type_hints(kind)
    own = fields(kind)
    required = sum(f.default is MISSING and f.default_factory is MISSING for f in own)
    checks = tuple(
        (hints[f.name] if hints[f.name] in _SCALARS else None, _check(hints[f.name], kind, f.name))
        for f in own
    )
    return _Reader(kind, required, checks)


def _from_fields(reader: _Reader, values: tuple[Any, ...], begin: int, version: int) -> Any:
    """Return an object made of the fields in `values` from `begin` on.

    Further fields are ignored, because a later release may add them.
    """
    kind, required, checks = reader
    if len(values) - begin < required:
        found = len(values) - begin
        raise NotUnderstoodError(
            f"{kind.__name__}: wants {required} fields or more, got {found}",
            kind.__name__,
            version,
            getattr(kind, "VERSION", version),
        )
    if begin:
        values = values[begin:]
    arguments = [
        value if type(value) is plain else check(value)
        # Not strict, because either may be longer if two releases differ.
        for (plain, check), value in zip(checks, values, strict=False)
    ]
    return kind(*arguments)


def _check(hint: Any, owner: type, field: str) -> Check:
    """Return the check of one field, by its annotation."""
    where = f"{owner.__name__}.{field}"
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        (arm,) = (arm for arm in get_args(hint) if arm is not types.NoneType)
        inner = _check(arm, owner, field)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _check(get_args(hint)[0], owner, field)

        def check_array(value: Any) -> Any:
            if not isinstance(value, tuple):
                raise ProtocolError(f"{where}: wants an array")
            return tuple([item(each) for each in value])

        return check_array
    if is_dataclass(hint):
        nested: type = hint  # type: ignore[assignment]  # a class here, never an instance

        def check_object(value: Any) -> Any:
            if not isinstance(value, tuple):
                raise ProtocolError(f"{where}: wants an array")
            return _from_fields(_reader(nested), value, 0, getattr(owner, "VERSION", 0))

        return check_object

    def check_scalar(value: Any) -> Any:
        if type(value) is hint:
            return value
        if hint is float and type(value) is int:
            return float(value)
        raise ProtocolError(f"{where}: wants {hint.__name__}, got {type(value).__name__}")

    return check_scalar
