"""A store and gateways in which every call can be made to fail; the list of calls is read from the contracts themselves."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from smsotp_plugin.providers.base import Provider
from smsotp_plugin.stores.kind import Store

Fault = Callable[..., Any]

#: What a log-in can ask of a store. A method that is added to a contract is among them.
STORE_CALLS = sorted(Store.__abstractmethods__)
#: What is asked of a provider: everything except what the base class does itself.
PROVIDER_CALLS = sorted(
    name
    for name, value in vars(Provider).items()
    if callable(value) and not name.startswith("_") and not getattr(value, "__final__", False)
)


class Faults:
    """Which call fails at the moment, and how."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        #: How often the failing call was made while it failed.
        self.hits = 0

    @contextmanager
    def at(self, call: str, fault: Fault) -> Iterator[None]:
        """Let one call fail for a while."""
        self._faults[call] = fault
        self.hits = 0
        try:
            yield
        finally:
            del self._faults[call]

    def run(self, call: str, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Make a call, or let it fail; a fault gets the real call, and may make it or not."""
        fault = self._faults.get(call)
        if fault is None:
            return real(*args, **kwargs)
        self.hits += 1
        return fault(lambda: real(*args, **kwargs))


def faulty_store(real: Any, faults: Faults) -> Any:
    """Return a store that passes its calls on to another one, except those that are to fail."""

    def forward(name: str) -> Callable[..., Any]:
        def call(_: object, *args: Any, **kwargs: Any) -> Any:
            return faults.run(name, getattr(real, name), *args, **kwargs)

        return call

    def other(_: object, name: str) -> Any:
        return getattr(real, name)

    methods = {name: forward(name) for name in STORE_CALLS}
    return type("FaultyStore", (Store,), {**methods, "__getattr__": other})()


def make_faulty(provider: Provider[Any, Any, Any], faults: Faults) -> None:
    """Let calls of a provider fail as these faults say."""

    def forward(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: faults.run(name, real, *args)

    for name in PROVIDER_CALLS:
        setattr(provider, name, forward(name, getattr(provider, name)))


def raises(error: BaseException) -> Fault:
    """Raise this instead of doing anything."""

    def fault(_: Callable[[], Any]) -> Any:
        raise error

    return fault


def raises_afterwards(error: BaseException) -> Fault:
    """Do what was asked for, and raise this instead of returning the result."""

    def fault(real: Callable[[], Any]) -> Any:
        real()
        raise error

    return fault


def returns(value: object) -> Fault:
    """Return this instead of doing anything."""
    return lambda _: value


class Hang:
    """Hang until it is released, then do what was asked for."""

    def __init__(self) -> None:
        self._begun, self._released = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Return once a call hangs here."""
        assert self._begun.wait(10)

    def release(self) -> None:
        self._released.set()

    def let(self, call: Callable[[], object], refused: type[Exception]) -> None:
        """Make a call that reaches this point and is given up; make it again if it is given up before that."""
        while not self._begun.is_set():
            with suppress(refused):
                call()

    def __call__(self, real: Callable[[], Any]) -> Any:
        self._begun.set()
        self._released.wait()
        return real()
