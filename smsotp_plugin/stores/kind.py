"""The interface of a kind of store that the configuration can name."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.answers import AnswerStore
from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.budgets import BudgetRules, BudgetStore, Usage
from smsotp_plugin.stores.contents import StoreContents
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryRecorder, Wanted
from smsotp_plugin.stores.person import Erased, StoredPerson
from smsotp_plugin.stores.process_traits import ProcessTraits
from smsotp_plugin.stores.queue import MessageQueue, QueueView
from smsotp_plugin.stores.settings import StoreSettings

SettingsT = TypeVar("SettingsT", bound=StoreSettings)


class Store(ChallengeStore, BudgetStore, AnswerStore, DeliveryRecorder):
    """Everything that is kept in one place."""

    def open_queue(self, most: int) -> MessageQueue:
        """
        Have the messages of new challenges wait for workers from now on; for stores whose `StoreSettings.has_queue` says so.

        From then on `open_challenge` and `resend` raise QueueFull if too many wait; then nothing has changed.

        Args:
            most: How many may wait.
        """
        raise NotImplementedError(f"{type(self).__name__} has no queue: {most}")


class StoreKind(ABC, Generic[SettingsT]):
    """
    A kind of store.

    Attributes:
        Settings: What ``[store]`` may hold.
    """

    Settings: type[SettingsT]

    @abstractmethod
    def open(  # noqa: PLR0913  (each is said by its name)
        self,
        settings: SettingsT,
        *,
        window: float,
        events_kept: float,
        clock: Clock,
        budgets: BudgetRules,
        traits: ProcessTraits,
    ) -> Store:
        """
        Open the store.

        Args:
            settings: Where it is.
            window: See `ChallengeStore.open_challenge`; seconds.
            events_kept: Seconds that the delivery log goes back.
            clock: Time.
            budgets: How many SMS there may be.
            traits: Those of this process.

        Raises:
            OtherKey: Other processes use it and have other keys.
            StoreError: It cannot be opened.
        """

    @abstractmethod
    def read_trace(self, settings: SettingsT, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
        """
        Return what is known of somebody's newest messages, whether or not a server is running; changes nothing.

        Args:
            settings: Where the store is.
            wanted: Whose messages.
            limit: How many messages, the newest.

        Returns:
            Their events, the oldest first; delivery receipts with the reference of their message.

        Raises:
            StoreError: The store is not there or cannot be read.
        """

    @abstractmethod
    def erase(self, settings: SettingsT, person: StoredPerson) -> Erased:
        """
        Remove everything that is kept of one person, whether or not a server is running, so that no file holds it any more.

        Their pending log-ins can no longer be answered. An SMS that a server is sending at this moment is still sent, and so is a
        notification that waits inside a server and is in no store.

        Args:
            settings: Where the store is.
            person: The person. Whatever bears the name or one of the fingerprints is theirs; nothing else is touched.

        Raises:
            StoreError: The store is not there or cannot be written, or what was removed may still be found in it.
        """

    @abstractmethod
    def unlock(self, settings: SettingsT, names: Sequence[str]) -> int:
        """
        Forget the wrong answers of an account, whether or not a server is running; known places stay known.

        Args:
            settings: Where the store is.
            names: Fingerprints of its folded User-Name or of its number, at least one; what is counted under the other is
                forgotten as well.

        Returns:
            How many wrong answers in a row there were.

        Raises:
            StoreError: The store is not there or cannot be written.
        """

    @abstractmethod
    def read_limits(
        self, settings: SettingsT, rules: BudgetRules, keys: Sequence[str], clock: Clock
    ) -> Usage:
        """
        Return what is known of the budgets, whether or not a server is running; changes nothing.

        Args:
            settings: Where the store is.
            rules: The budgets.
            keys: Whose; see `Spending`.
            clock: Time.

        Raises:
            StoreError: The store is not there or cannot be read.
        """

    @abstractmethod
    def lift_limits(self, settings: SettingsT, keys: Sequence[str], clock: Clock) -> int:
        """
        Have all processes forget within seconds what was spent for some keys, whether or not a server is running.

        Returns:
            How many brakes of these keys there were; they are lifted as well.

        Raises:
            StoreError: The store is not there or cannot be written.
        """

    @abstractmethod
    def read_contents(self, settings: SettingsT) -> StoreContents:
        """
        Return everything that the store holds, while no server uses it; changes nothing.

        Raises:
            StoreError: The store is not there or cannot be read.
        """

    @abstractmethod
    def write_contents(
        self, settings: SettingsT, contents: StoreContents, *, events_kept: float, clock: Clock
    ) -> None:
        """
        Fill an empty store while no server uses it. The messages belong to the next server that is started.

        Args:
            settings: Where the store is.
            contents: What it holds from now on.
            events_kept: Seconds that the delivery log goes back.
            clock: Time.

        Raises:
            StoreError: The store holds something, or cannot be written.
        """

    @abstractmethod
    def look(self, settings: SettingsT) -> Sequence[str]:
        """
        Judge as `open` will, as the present user; makes nothing and changes nothing.

        Returns:
            Warnings about what works but is probably not meant, as sentences that begin with the key of the setting.

        Raises:
            StoreError: The store cannot be opened; what is wrong, and where.
        """

    def compare_keys(self, settings: SettingsT, traits: ProcessTraits) -> None:
        """
        Compare the keys of a process that is to be started with those of the processes that use the store; changes nothing.

        Raises:
            OtherKey: As `open`.
            StoreError: The store cannot be asked.
        """
        del settings, traits

    def look_around(self, settings: SettingsT, traits: ProcessTraits) -> Sequence[str]:
        """
        Compare this process with those that use the store: settings that should be the same, and clocks; changes nothing.

        Returns:
            What differs, as sentences.

        Raises:
            StoreError: The store cannot be asked.
        """
        del settings, traits
        return ()

    def share_clock(self, settings: SettingsT, clock: Clock) -> Clock:
        """
        Return the clock that a process that opens the store must go by, as the store does.

        Args:
            settings: Where the store is.
            clock: That of the process.
        """
        del settings
        return clock

    def look_at_queue(self, settings: SettingsT) -> QueueView:
        """
        Return what is known of the queue and its workers, for stores whose `StoreSettings.has_queue` says so; changes nothing.

        Raises:
            StoreError: The store cannot be asked.
        """
        raise NotImplementedError(f"{type(self).__name__} has no queue: {settings.place}")

    def list_processes(self, settings: SettingsT) -> frozenset[str]:
        """
        Return a token for each process that uses the store, the same by whichever way it is asked; for stores that have a queue.

        Raises:
            StoreError: The store cannot be asked.
        """
        raise NotImplementedError(f"{type(self).__name__} has no queue: {settings.place}")
