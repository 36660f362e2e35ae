"""Logging by the standard library: one line an event, as key=value. Transitions are logged, frames
are counted.

Text is for people, and JSON (one object a line, all values strings) is for collectors; both say the
same. A line about a stream also names its desk, and the fields given to `about` stand in every
line, so that a search for desk=NAME finds every line about that desk.

Owns the process's log handler and the fields that every line has. May be used on any thread. Drops
what libraries log below WARNING, because some of them log headers and messages at DEBUG, which
contain tokens and what people type.
"""

import ast
import json
import logging
import re
import sys
import time
from typing import ClassVar, Literal

LogFormat = Literal["text", "json"]

_FIELD = re.compile(r"""(\w+)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S*)""")
_OURS = "fanlight"
_always: dict[str, str] = {}
_process: dict[str, str] = {}


def about(**fields: str) -> None:
    """Put these fields into every line from now on: desk=..., for a capture."""
    _always.update(fields)


def identify(**fields: str) -> None:
    """Put these fields into every line of JSON: which service this is, and which of its processes.

    Text lines do not have them, because their reader knows where they come from.
    """
    _process.update(fields)


def configure(level: str, format: LogFormat = "text") -> None:
    """Send the log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Text())
    handler.addFilter(_ours_or_important)
    logging.basicConfig(level=level, handlers=[handler])


def _ours_or_important(record: logging.LogRecord) -> bool:
    return record.name.startswith(_OURS) or record.levelno >= logging.WARNING


def _missing(fields: dict[str, str]) -> dict[str, str]:
    """Return those fields of every line that this line does not have itself."""
    more = dict(_always)
    if "stream" in fields:
        more["desk"] = fields["stream"].partition("/")[0]
    return {name: value for name, value in more.items() if name not in fields}


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        fields = dict(_FIELD.findall(record.message))
        if "event" in fields:
            first, newline, traceback = line.partition("\n")
            more = "".join(f" {name}={value}" for name, value in _missing(fields).items())
            line = f"{first}{more}{newline}{traceback}"
        return f"{_time(record)} {record.levelname:7} {record.name}: {line}"


class _Json(logging.Formatter):
    _taken: ClassVar[frozenset[str]] = frozenset({"time", "level", "logger", "message"})

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        found = {name: _plain(value) for name, value in _FIELD.findall(message)}
        fields = found if "event" in found else {"message": message}
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            **{
                (f"{k}_" if k in self._taken and fields is found else k): v
                for k, v in fields.items()
            },
            **_missing(fields),
        }
        line.update(_process)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _plain(value: str) -> str:
    """'a \\'b\\'' as %r wrote it -> a 'b'."""
    if value[:1] in ("'", '"'):
        try:
            return str(ast.literal_eval(value))
        except (ValueError, SyntaxError):
            return value
    return value
