"""Checks all services' settings before anything starts, so that a wrong setting is one line.

The launcher imports no service. So `check` starts a process that imports them (`main`), in the
environment that the services will have. It costs 0.3 s of CPU, and nothing where no setting is set.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

from pydantic_settings import BaseSettings

from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings, load
from fanlight_launcher.core.process_spec import ProcessSpec

_PREFIX = "FANLIGHT_"
_WRONG_SETTINGS = 2
"""The exit status of the process that checks."""


def check(kinds: Iterable[str], specs: Iterable[ProcessSpec]) -> None:
    """Raise ConfigurationError with each setting that services of these kinds would refuse.

    What `specs` set is checked instead of what the launcher's environment says.
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
    if ran.returncode == _WRONG_SETTINGS:
        raise ConfigurationError(ran.stdout.strip())


def main(kinds: Iterable[str]) -> None:
    """Print what is wrong and end with status 2; print nothing where all is right."""
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
        raise SystemExit(_WRONG_SETTINGS)


def _classes(module: ModuleType) -> Iterator[type[BaseSettings]]:
    """The settings classes that a module defines itself."""
    for value in vars(module).values():
        ours = isinstance(value, type) and value.__module__ == module.__name__
        if ours and issubclass(value, BaseSettings):
            yield value


if __name__ == "__main__":
    main(sys.argv[1:])
