"""Are all services' settings right? Asked before anything starts, so that a wrong one is one line.

The launcher imports no service: `check` starts a process that does (`main`), in the environment
that the services will have. It costs 0.3 s of CPU, and nothing where nothing is set.
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
from fanlight_launcher.processes.supervisor import Spec

_PREFIX = "FANLIGHT_"
_PROBLEM = 2


def check(kinds: Iterable[str], specs: Iterable[Spec]) -> None:
    """Raise ConfigurationError with what services of these kinds would refuse.

    What the launcher sets itself, in `specs`, counts for more than the environment.
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
    if ran.returncode == _PROBLEM:
        raise ConfigurationError(ran.stdout.strip())


def main(kinds: Iterable[str]) -> None:
    """Print what is wrong, and end with status 2; silent where nothing is."""
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
        raise SystemExit(_PROBLEM)


def _classes(module: ModuleType) -> Iterator[type[BaseSettings]]:
    """Those that the module defines; what they inherit from is checked with them."""
    for value in vars(module).values():
        ours = isinstance(value, type) and value.__module__ == module.__name__
        if ours and issubclass(value, BaseSettings):
            yield value


if __name__ == "__main__":
    main(sys.argv[1:])
