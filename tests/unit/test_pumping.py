"""Shares of answers: who pumps is noticed and braked, and who works is left alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_plugin.errors import Braked
from smsotp_plugin.login.pumping import BRAKE, PumpingWatch
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.answers import Brake
from tests.support.interruption import interrupt_at_each_step
from tests.support.login_bench import request
from tests.support.pumping_site import GRACE, Site, at, block
from tests.support.traffic import DAY, HOUR

__all__ = ["at"]


def test_a_block_that_never_answers_gets_twenty_sms(at: Callable[..., Site]) -> None:
    site = at()
    at_once = [site.send(block(number)) for number in range(100)]
    site.wait(GRACE)
    later = [site.send(block(number)) for number in range(100)]

    assert at_once == [True] * 20 + [False] * 80
    assert not any(later)


def test_what_is_unanswered_and_what_is_under_way_count_together(at: Callable[..., Site]) -> None:
    site = at()
    early = [site.send(block(number)) for number in range(15)]
    site.wait(GRACE)
    late = [site.send(block(number)) for number in range(15)]

    assert early == [True] * 15
    assert late == [True] * 5 + [False] * 10


def test_a_brake_is_told_once_and_ends_after_twelve_hours(
    at: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = at()
    for number in range(50):
        site.send(block(number))
    site.wait(GRACE)
    for _ in range(100):
        site.send()
    site.wait(BRAKE - 1)
    before = site.send()
    site.wait(DAY)
    after = site.send()

    assert (before, after) == (False, True)
    assert (
        caplog.text.count(
            "numbers that begin with +49170123: 20 codes of one day were not answered and 0 were; "
            "no SMS are sent there for 12 hours, smsotp limits lifts that"
        )
        == 1
    )


def test_whoever_is_braked_is_told_for_how_long(at: Callable[..., Site]) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    waits = []
    for _ in range(2):
        with pytest.raises(Braked) as braked:
            site.watch.check(request(), parse_number(block(0), None))
        waits.append(braked.value.wait)
        site.wait(HOUR)

    assert waits == [BRAKE, BRAKE - HOUR]


def test_recording_sends_and_tells(at: Callable[..., Site], caplog: pytest.LogCaptureFixture) -> None:
    site = at(pumping="record")
    sent = [site.send(block(number)) for number in range(100)]
    site.wait(GRACE)
    for _ in range(5):
        site.send()

    assert all(sent)
    assert caplog.text.count("no SMS would be sent there (limits.pumping) for 12 hours") == 1


def test_those_who_answer_are_left_alone_also_while_many_are_under_way(at: Callable[..., Site]) -> None:
    site = at()
    for number in range(30):
        site.send(block(number), answered=True)

    assert all(site.send(block(number)) for number in range(30))


def test_one_answer_opens_no_block_to_a_flood(at: Callable[..., Site]) -> None:
    site = at()
    site.send(answered=True)
    sent = sum(site.send(block(number)) for number in range(500))
    site.wait(GRACE)

    assert sent <= 40
    assert not site.send()


def test_a_list_of_passwords_tried_from_one_station_is_braked(at: Callable[..., Site]) -> None:
    site = at()
    site.send(station="home", answered=True)
    sent = sum(
        site.send(f"+4917{number:08d}", user=f"u{number}", station="198.51.100.7")
        for number in range(10_000_000, 30_000_000, 100_000)
    )
    site.wait(GRACE)

    assert sent == 20
    assert site.send("+491799999999", station="home", answered=True)


def test_a_country_that_nobody_ever_answers_from_is_braked_and_another_one_is_not(
    at: Callable[..., Site],
) -> None:
    site = at()
    site.send(answered=True)
    sent = sum(site.send(block(0, f"+3876{number:04d}"[:9])) for number in range(200))
    others = [site.send(block(number), answered=True) for number in range(50)]

    assert sent == 20
    assert all(others)


def test_a_country_that_people_answer_from_is_only_told(
    at: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = at()
    site.send(answered=True)
    sent = 0
    for number in range(10_000_000, 10_900_000, 10_000):
        sent += site.send(f"+4917{number:08d}")
        site.wait(30)

    assert sent == 90
    assert caplog.text.count("numbers of DE: ") == 1
    assert "is somebody pumping SMS?" in caplog.text


def test_one_answer_on_one_of_the_last_days_makes_a_country_one_that_people_answer_from(
    at: Callable[..., Site],
) -> None:
    site = at()
    site.send(answered=True)
    # Counts are stored once a minute.
    site.wait(61)
    site.wait(2 * DAY)
    site.restart()
    site.send("+436641234567", answered=True)
    sent = sum(site.send(f"+4917{number:08d}") for number in range(10_000_000, 10_900_000, 10_000))

    assert sent == 90


def test_when_sms_do_not_arrive_at_all_nobody_is_braked(
    at: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = at()
    for number in range(60):
        site.send(block(number % 30), station=f"office{number % 3}", answered=True)
    site.wait(2 * HOUR)
    during = []
    for number in range(120):
        during.append(site.send(block(number % 30), station=f"office{number % 3}"))
        site.wait(30)
    site.wait(GRACE)
    after = [
        site.send(block(number % 30), station=f"office{number % 3}", answered=True) for number in range(60)
    ]

    assert all(during)
    assert all(after)
    assert "codes are not answered even where they usually are: do the gateways' SMS arrive?" in caplog.text


def test_a_late_answer_is_one(at: Callable[..., Site]) -> None:
    site = at()
    for _ in range(19):
        site.send()
    site.wait(GRACE)
    for number in range(1, 20):
        site.watch.note_answered(str(number))

    assert all(site.send() for _ in range(19))


def test_what_no_gateway_took_is_no_sms(at: Callable[..., Site]) -> None:
    site = at()
    for _ in range(100):
        assert site.send()
        site.watch.note_unsent(str(site._count))
    site.wait(GRACE)

    assert site.send()


def test_brakes_and_what_was_normal_survive_a_restart(at: Callable[..., Site]) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    for number in range(200):
        site.send(block(number, "+49170999"), answered=True)
    site.wait(GRACE)
    site.restart()
    braked = site.send()
    site.wait(DAY * 3)
    site.restart()
    # A day's worth may be under way, and a third of it stay unanswered.
    sent = sum(site.send(block(number, "+49170999")) for number in range(300))

    assert not braked
    assert 200 <= sent <= 260


def test_a_brake_that_is_lifted_is_gone_within_a_second(at: Callable[..., Site]) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    braked = site.send()
    for brake in site.store.list_brakes():
        with site.store._file.transaction() as connection:
            connection.execute("DELETE FROM brakes WHERE key = ?", (brake.key,))
    site.wait(1)

    assert not braked
    assert site.send()


def test_another_server_on_the_same_store_brakes_too(at: Callable[..., Site], tmp_path: Path) -> None:
    site, other = at(), Site(tmp_path)
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    other.wait(GRACE)
    braked = not other.send()
    other.store.close()

    assert braked


@pytest.mark.parametrize("jump", [-HOUR, HOUR, -DAY, DAY])
def test_a_clock_that_is_set_ends_no_brake_and_makes_none(at: Callable[..., Site], jump: float) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    site.clock.set_by(jump)
    site.wait(1)
    braked = not site.send()
    other = all(site.send(block(number, "+43664123"), answered=True) for number in range(50))

    assert braked or jump >= BRAKE
    assert other


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("jump", [-HOUR, -10 * DAY])
def test_a_brake_lasts_no_longer_because_the_clock_was_set_back(
    at: Callable[..., Site], jump: float, *, restarts: bool
) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    site.clock.set_by(jump)
    if restarts:
        site.restart()
    site.wait(BRAKE - 1)
    braked = not site.send(block(0))
    # After a day none of the codes counts that were not answered.
    site.wait(DAY)
    sent = []
    for _ in range(3):
        sent.append(site.send(block(0), answered=True))
        site.wait(1)

    assert braked
    assert all(sent)


def test_a_brake_whose_end_a_log_in_finds_out_while_brakes_are_kept_stops_nothing(
    at: Callable[..., Site],
) -> None:
    watch = at().watch
    brake = Brake("p+49170123", "+49170123", 0.0, 1.0, "of nobody", enforced=True)

    def keep() -> tuple[Callable[[], None], Callable[[], None]]:
        watch._brakes[brake.key] = brake, 0.0
        return lambda: watch._keep_brakes(1.0), find_out

    def find_out() -> None:
        if watch._lock.acquire(blocking=False):
            watch._brakes.pop(brake.key, None)
            watch._lock.release()

    interrupt_at_each_step(PumpingWatch._keep_brakes, keep)

    assert watch._brakes == {}
