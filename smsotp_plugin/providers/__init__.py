"""
Finding providers by name: a module of this package, or an entry point of another distribution.

The name of the module is the name in the configuration. A third party registers its class under the entry point group
``smsotp.providers``.
"""

import importlib
import importlib.util
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.providers.base import Provider

#: The modules of this package that are not providers.
SHARED = frozenset(("base", "judging", "masking", "web"))

ENTRY_POINT_GROUP = "smsotp.providers"


@cache
def list_provider_names() -> tuple[str, ...]:
    """Return the names of all providers that are installed, sorted."""
    return tuple(sorted(_list_built_in() | {point.name for point in entry_points(group=ENTRY_POINT_GROUP)}))


@cache
def find_provider(name: str) -> type[Provider[Any, Any, Any]]:
    """
    Return the class of a provider.

    Args:
        name: As in ``provider = "name"``.

    Raises:
        ConfigError: There is none of that name, or it cannot be loaded; one problem, without a place.
    """
    found = _load(name)
    if not (isinstance(found, type) and issubclass(found, Provider)):
        raise ConfigError([f"provider {name!r} is not a subclass of smsotp_plugin.api.Provider"])
    return found


def _list_built_in() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(__path__)} - SHARED


def _load(name: str) -> object:
    if name in _list_built_in():
        module = importlib.import_module(f"{__name__}.{name}")
        return next(
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Provider) and value.__module__ == module.__name__
        )
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            return point.load()
        except Exception as exc:
            raise ConfigError([f"provider {name!r} ({point.value}) cannot be loaded: {exc}"]) from exc
    raise ConfigError([f"there is no provider {name!r}; there are: {', '.join(list_provider_names())}"])
