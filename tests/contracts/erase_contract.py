"""What every store promises about erasing one person, written once. `StoreContract` binds it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smsotp_plugin.errors import UnknownChallenge, WrongCode
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.guesses import CLEAN, Guesser, GuessRules, station_place
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.person import Erased, StoredPerson
from smsotp_plugin.stores.schemes import erase_person, read_trace
from tests.contracts.binding import Binding
from tests.support.challenges import DAY
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel, begin, begin_attempt

#: What stands for Anna in no row of anybody else.
HERS = (b"anna", b"an11a", b"5ea1ed", b"her number")


class EraseContract(Binding):
    """The promises about one person."""

    @pytest.fixture
    def anna(self, store: Store, clock: FakeClock, new: Callable[..., Challenge]) -> Challenge:
        """Somebody of whom there is something of each kind."""
        return self.log_in(
            store, clock, replace(new(user="anna", login="an11a" * 6), number_hash="her number"), "a"
        )

    @pytest.fixture
    def bob(self, store: Store, clock: FakeClock, new: Callable[..., Challenge]) -> Challenge:
        """Somebody else."""
        return self.log_in(store, clock, replace(new(user="bob", login="b"), number_hash="his number"), "b")

    @staticmethod
    def log_in(store: Store, clock: FakeClock, challenge: Challenge, reference: str) -> Challenge:
        store.open_challenge(challenge, SomeParcel(challenge, b"5ea1ed" + challenge.user.encode()))
        begin_attempt(store, challenge.state, "gtx")
        asked = DeliveryEvent(
            reference,
            clock.time(),
            EventKind.ASKED,
            user=challenge.user,
            number_hash=challenge.number_hash,
        )
        tried = DeliveryEvent(
            reference, clock.time(), EventKind.ATTEMPT, "gtx", f"id of {reference}", "accepted"
        )
        told = DeliveryEvent("", clock.time(), EventKind.RECEIPT, "gtx", f"id of {reference}", "delivered")
        for event in (asked, tried, told):
            store.record(event)
        store.flush()
        return challenge

    @pytest.mark.parametrize(
        "person",
        [
            StoredPerson(user="anna", shown=("anna",)),
            StoredPerson(number_hashes=("none", "her number")),
            StoredPerson(user="anna", shown=("other", "anna"), number_hashes=("her number",)),
        ],
    )
    def test_all_that_is_kept_of_a_person_is_erased_and_nothing_of_another_one(
        self, tmp_path: Path, store: Store, anna: Challenge, bob: Challenge, person: StoredPerson
    ) -> None:
        settings = self.settings(tmp_path)
        before = {user: read_trace(settings, Wanted(user=user), 10) for user in ("anna", "bob")}

        erased = erase_person(settings, person)

        assert erased == Erased(challenges=1, messages=1, events=3)
        assert [len(events) for events in before.values()] == [3, 3]
        with pytest.raises(UnknownChallenge):
            store.find(anna.state, "anna")
        assert store.find(bob.state, "bob").login == bob.login
        assert read_trace(settings, Wanted(user="anna"), 10) == []
        assert read_trace(settings, Wanted(number_hash="her number"), 10) == []
        assert read_trace(settings, Wanted(reference="a"), 10) == []
        assert read_trace(settings, Wanted(user="bob"), 10) == before["bob"]

    def test_whose_sms_has_ended_is_erased_as_well(
        self, tmp_path: Path, store: Store, anna: Challenge
    ) -> None:
        store.forget_message(anna.state, 0)
        store.flush()

        erased = erase_person(self.settings(tmp_path), StoredPerson(user="anna", shown=("anna",)))

        assert erased == Erased(challenges=1, messages=0, events=3)
        with pytest.raises(UnknownChallenge):
            store.find(anna.state, "anna")

    @pytest.mark.usefixtures("anna", "bob")
    def test_no_file_holds_anything_of_them_any_more(self, tmp_path: Path) -> None:
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        before = b"".join(file.read_bytes() for file in files)
        erase_person(
            self.settings(tmp_path), StoredPerson(user="anna", shown=("anna",), number_hashes=("her number",))
        )
        after = b"".join(file.read_bytes() for file in files)

        assert all(word in before for word in HERS) or not files
        assert [word for word in HERS if word in after.replace(b"5ea1edbob", b"")] == []

    @pytest.mark.parametrize(
        "person",
        [
            StoredPerson(user="anna", number_hashes=("her number",), accounts=("her account",)),
            StoredPerson(number_hashes=("her number",)),
            StoredPerson(user="anna", accounts=("her account",)),
        ],
    )
    def test_what_is_counted_for_a_person_is_erased_with_them_under_all_their_names(
        self, tmp_path: Path, store: Store, anna: Challenge, clock: FakeClock, person: StoredPerson
    ) -> None:
        rules = GuessRules(free=1, most=5, first_wait=30, longest_wait=30, lock=DAY, known_for=DAY)
        guesser = Guesser(("her account",), (station_place("home"),), rules)
        with pytest.raises(WrongCode):
            store.answer(anna.state, "anna", "b" * 32, clock.time(), guesser)

        assert erase_person(self.settings(tmp_path), person).counts == 4
        assert store.standing(guesser, "her number") == CLEAN

    def test_what_a_person_spent_counts_for_others_only_after_they_were_erased(
        self, tmp_path: Path, store: Store, clock: FakeClock
    ) -> None:
        for _ in range(3):
            store.spend_anyway(Spending(("u1", "n1", "c1")))
        store.spend_anyway(Spending(("u2", "c1")))
        store.flush()

        assert erase_person(self.settings(tmp_path), StoredPerson(budgets=("u1", "n1"))).spent == 3
        assert not erase_person(self.settings(tmp_path), StoredPerson(budgets=("u1", "n1")))
        quota = (Quota(10, 60, "10/m"),)
        rules = BudgetRules(dict.fromkeys((Scope.USER, Scope.NUMBER, Scope.CLIENT), quota))
        reader = self.open(tmp_path, 30.0, clock, rules)
        counted = {key: reader.spent(key)[0][1] for key in ("u1", "n1", "u2", "c1")}
        reader.close()
        assert counted == {"u1": 0, "n1": 0, "u2": 1, "c1": 4}

    def test_a_challenge_that_was_erased_is_opened_anew(
        self, tmp_path: Path, store: Store, anna: Challenge
    ) -> None:
        erase_person(self.settings(tmp_path), StoredPerson(user="anna", shown=("anna",)))
        again = replace(anna, state="e" * 32)

        assert begin(store, again).state == again.state

    def test_of_somebody_who_is_not_there_nothing_is_erased(
        self, tmp_path: Path, store: Store, bob: Challenge
    ) -> None:
        for nobody in (
            StoredPerson(),
            StoredPerson(user="Bob", shown=("Bob",)),
            StoredPerson(number_hashes=("x",)),
        ):
            assert not erase_person(self.settings(tmp_path), nobody)
        assert store.find(bob.state, "bob").login == bob.login
