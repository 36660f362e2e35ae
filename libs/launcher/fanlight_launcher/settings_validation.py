"""Checks all services' settings before anything starts, so that a wrong setting is one line.

The launcher imports no service. So `check` starts a process that imports them (`main`), in the
environment that the services will have. That takes 0.3 s of CPU, for which the caller's thread
waits. `check` does nothing if no FANLIGHT_ variable is set, because every default is valid. Owns no
state.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

from pydantic_settings import BaseSettings

from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError
from fanlight_common.process.settings import BusSettings, load
from fanlight_launcher.core.process_spec import ProcessSpec

_PREFIX = "FANLIGHT_"


def check(kinds: Iterable[str], specs: Iterable[ProcessSpec]) -> None:
    """Raise ConfigurationError with each setting that services of these kinds would refuse.

    A variable in `specs` replaces the launcher's own, because the service will get that one.
    """
    if not any(name.startswith(_PREFIX) for name in os.environ):
        return
    environment = dict(os.environ)
    for spec in specs:
        environment |= spec.environment
    ran = subprocess.run(
        [sys.executable, "-m", __name__, *kinds],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode == MISCONFIGURED:
        raise ConfigurationError(ran.stdout.strip())


def main(kinds: Iterable[str]) -> None:
    """Print each wrong setting and end with status 2. Print nothing if all settings are valid."""
    found: list[type[BaseSettings]] = [BusSettings]
    for kind in kinds:
        found += _classes(importlib.import_module(f"fanlight_{kind}.settings"))
    wrong = []
    for settings in found:
        try:
            load(settings)
        except ConfigurationError as error:
            wrong.append(str(error))
    if wrong:
        print("; ".join(wrong))
        raise SystemExit(MISCONFIGURED)


def _classes(module: ModuleType) -> Iterator[type[BaseSettings]]:
    """Yields the settings classes that a module defines itself."""
    for value in vars(module).values():
        ours = isinstance(value, type) and value.__module__ == module.__name__
        if ours and issubclass(value, BaseSettings):
            yield value


if __name__ == "__main__":
    main(sys.argv[1:])
