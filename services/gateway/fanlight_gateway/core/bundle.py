"""Makes one JavaScript file out of ES modules, because a browser would ask for each of them. Pure.

This code does not understand all of JavaScript. It reads only the form in which the viewer's
modules are written: names in braces are imported from a relative path, `./name.js` or
`../folder/name.js`, and `export` stands in front of a function, a class or a const. Each module
becomes a function that returns what the module exports. The functions are called once, in the order
of the imports. Comments that have lines of their own are dropped.

A bundle is served under its entry's file name, without the folder, beside the other bundles. So
`new URL("../folder/name.js", import.meta.url)`, which names another entry, becomes
`new URL("./name.js", import.meta.url)`.
"""

import posixpath
import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{([^{}]*)\} from "(\.\.?/[a-z0-9/.-]+\.js)";\n', re.MULTILINE)
_URL = re.compile(r'new URL\("(\.\.?/[a-z0-9/.-]+\.js)", import\.meta\.url\)')
_EXPORT = re.compile(
    r"^export (?=(?:async )?(?:function\*? |class |const )([A-Za-z_$][\w$]*))", re.MULTILINE
)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n", re.MULTILINE)


def bundle(entry: str, sources: Mapping[str, str]) -> str:
    """Return the module `entry` and all that it imports, as one module with the same exports.

    `sources` are the modules' texts by path, such as `folder/name.js`. Raises ValueError if an
    import or export is written in another form, if a module is missing, or if modules import each
    other.
    """
    done: dict[str, None] = {}
    _visit(entry, sources, done, ())
    parts = [_module(name, sources, is_entry=name == entry) for name in done]
    return "// Made of fanlight's modules when the gateway started.\n" + "\n".join(parts)


def _visit(
    name: str, sources: Mapping[str, str], done: dict[str, None], path: tuple[str, ...]
) -> None:
    if name in path:
        raise ValueError(f"{' -> '.join([*path, name])}: modules import each other")
    if name in done:
        return
    if name not in sources:
        raise ValueError(f"{path[-1] if path else 'nothing'} imports {name}, which is not there")
    for _, imported in _IMPORT.findall(sources[name]):
        _visit(_resolved(imported, name), sources, done, (*path, name))
    done[name] = None


def _module(name: str, sources: Mapping[str, str], *, is_entry: bool) -> str:
    text = _COMMENT.sub("", sources[name])
    text = _IMPORT.sub(lambda match: _taken(match, name), text)
    text = _URL.sub(lambda match: _entry_url(match, name, sources), text)
    exported = _EXPORT.findall(text)
    if not is_entry:
        text = _EXPORT.sub("", text)
    other = _OTHER.search(_EXPORT.sub("", text))
    if other is not None:
        raise ValueError(f"{name}: cannot bundle: {other[0]}")
    if is_entry:
        return f"// {name}\n{text}"
    given = ", ".join(exported)
    return f"// {name}\nconst {_variable(name)} = (() => {{\n{text}return {{ {given} }};\n}})();\n"


def _resolved(imported: str, importer: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported))


def _entry_url(match: re.Match[str], name: str, sources: Mapping[str, str]) -> str:
    entry = _resolved(match[1], name)
    if entry not in sources:
        raise ValueError(f"{name} names {entry}, which is not there")
    return f'new URL("./{posixpath.basename(entry)}", import.meta.url)'


def _taken(match: re.Match[str], importer: str) -> str:
    names = [re.sub(r"\s+as\s+", ": ", name.strip()) for name in match[1].split(",")]
    given = ", ".join(name for name in names if name)
    return f"const {{ {given} }} = {_variable(_resolved(match[2], importer))};\n"


def _variable(name: str) -> str:
    return "$" + name.removesuffix(".js").replace("-", "_").replace("/", "$")
