"""A store of messages that keeps nothing."""

from collections.abc import Sequence

from smsotp_plugin.stores.kept import Attempt, LeftMessage, MessageStore


class KeepsNothing(MessageStore):
    """Says of every message that it is kept."""

    def begin_attempts(self, attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        return [None] * len(attempts)

    def end_attempt(self, state: str, resends: int, gateway: str) -> None:
        pass

    def forget_message(self, state: str, resends: int) -> None:
        pass

    def take_over(self, now: float) -> Sequence[LeftMessage]:  # noqa: ARG002  (there is nothing at any time)
        return []
