"""Do by hand, between any two steps of a function, what another thread may do there; and have no further threads."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

#: Seconds after which a thread that does not have to wait has usually ended.
_MOMENT = 0.1
#: Bytes for a thread's stack: more than any machine has.
_TOO_MUCH = 1 << 46


class _Interruption:
    """
    Counts the instructions of one function.

    Args:
        function: That function.
        step: Before which instruction something happens.
        happens: What happens there; it runs in the same thread, so it must not wait for a lock.
    """

    def __init__(self, function: Callable[..., Any], step: int, happens: Callable[[], object]) -> None:
        self._code = function.__code__
        self._steps_left = step
        self._happens = happens
        self.has_happened = False

    def run(self, call: Callable[[], Result]) -> Result:
        """Make a call that calls the function."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return call()
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code is not self._code or event != "call":
            return None
        # Later versions of Python take notice of the second only if the first is set.
        frame.f_trace = self._step
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, _: FrameType, event: str, __: object) -> Any:
        if event == "opcode" and not self.has_happened:
            if self._steps_left == 0:
                self.has_happened = True
                self._happens()
            self._steps_left -= 1
        return self._step


def interrupt_at_each_step(
    function: Callable[..., Any], make: Callable[[], tuple[Callable[[], Result], Callable[[], object]]]
) -> list[Result]:
    """
    Make a call as often as a function has steps; each time, let something happen before a different step.

    Args:
        function: Written in Python.
        make: Returns a call that comes to the function, and what is to happen.

    Returns:
        What the calls returned; nothing interrupted the last one.
    """
    results: list[Result] = []
    while True:
        call, happens = make()
        interruption = _Interruption(function, len(results), happens)
        results.append(interruption.run(call))
        if not interruption.has_happened:
            assert len(results) > 1, f"{function.__qualname__} was not called"
            return results


def interrupt_at_once(
    function: Callable[..., Any], call: Callable[[], Result], happens: Callable[[], object]
) -> Result:
    """Make a call, and let something happen when it comes to a function."""
    return _Interruption(function, 0, happens).run(call)


@contextlib.contextmanager
def no_further_thread() -> Iterator[None]:
    """Let the system refuse any further thread to this process."""
    before = threading.stack_size(_TOO_MUCH)
    try:
        yield
    finally:
        threading.stack_size(before)


def is_kept_waiting(other: Callable[[], object], call: Callable[[], object], at: str) -> bool:
    """
    Return whether another thread has to wait while a call is about to enter a function written in C.

    Args:
        other: What the other thread does.
        call: Calls that function.
        at: The function's name.
    """
    thread, waited = threading.Thread(target=other), list[bool]()

    def watch(_: FrameType, event: str, argument: object) -> None:
        if event == "c_call" and getattr(argument, "__name__", "") == at:
            sys.setprofile(None)
            thread.start()
            thread.join(_MOMENT)
            waited.append(thread.is_alive())

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    thread.join()
    return waited == [True]
