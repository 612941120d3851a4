"""Budgets in the flow: who is refused, what they are told, and what the log says of it."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smsotp_plugin.login.decisions import Accept, Ask, Reject
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.sms.kinds import NumberKind, find_country, find_kind
from tests.support.login_bench import NUMBER, Bench, answer, make, request

__all__ = ["make"]

LIMIT_TEXT = "Too many codes were asked for. Try again later."
DAY, HOUR = 86400, 3600
#: How one account may be spelled.
SPELLINGS = (
    "bob",
    "BOB",
    " Bob",
    "bob@example.com",
    "EXAMPLE\\bob",
    "bob@EXAMPLE.com",
    "b\u00f6b",
    "\uff42\uff4f\uff42",
)


def numbers() -> Iterator[str]:
    """Yield numbers that are all different."""
    return (f"+4917{number:08d}" for number in range(10_000_000, 20_000_000))


def begin(bench: Bench, **fields: Any) -> Ask | Reject:
    """Begin a log-in that is none of those before."""
    bench.clock.advance(31)
    return bench.login.first_leg(request(**fields))


def count_sent(bench: Bench) -> int:
    bench.store.flush()
    return len(bench.outbox.messages)


def test_a_stolen_password_is_worth_twenty_sms_a_day_however_it_is_used(make: Callable[..., Bench]) -> None:
    bench = make()
    for turn in range(2 * DAY // 60):
        bench.clock.advance(60)
        bench.login.first_leg(
            request(user=SPELLINGS[turn % len(SPELLINGS)], station=f"s{turn}", client=f"c{turn % 3}")
        )
        if turn == DAY // 60 - 1:
            first_day = count_sent(bench)

    assert first_day == 20
    assert count_sent(bench) == 40


def test_an_alias_of_the_same_number_is_no_way_round(make: Callable[..., Bench]) -> None:
    bench = make()
    for turn in range(60):
        begin(bench, user=f"alias{turn}", station=f"s{turn}")

    assert count_sent(bench) == 10


def test_another_number_of_the_same_account_is_no_way_round(make: Callable[..., Bench]) -> None:
    bench = make()
    for number in (number for number, _ in zip(numbers(), range(60), strict=False)):
        begin(bench, numbers=(number,))

    assert count_sent(bench) == 10


def test_many_people_who_log_in_from_one_place_notice_nothing(make: Callable[..., Bench]) -> None:
    bench = make()
    for person, number in zip(range(2_000), numbers(), strict=False):
        decision = bench.login.first_leg(request(user=f"p{person}", numbers=(number,), station="office"))
        assert isinstance(decision, Ask)

    assert count_sent(bench) == 2_000


def test_whoever_is_over_a_limit_reads_a_sentence_and_the_log_has_one_line(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(limits={"per_user": ["2/h"], "per_number": []})
    with caplog.at_level(logging.INFO, "smsotp"):
        decisions = [begin(bench, station=f"s{turn}") for turn in range(50)]
    refused = decisions[2:]

    assert all(isinstance(each, Reject) and each.text == LIMIT_TEXT for each in refused)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    (line,) = lines
    assert line == (
        'user "bob", client "vpn", station "s2" is refused: over budget: per_user = 2/h (limits), the next SMS in 3538 s; '
        "further refusals are counted, not logged"
    )
    assert [event.detail for event in bench.trace() if event.kind == "rejected"] == [
        "is refused: over budget: per_user = 2/h (limits), the next SMS in 3538 s"
    ]


def test_the_next_window_is_told_again(make: Callable[..., Bench], caplog: pytest.LogCaptureFixture) -> None:
    bench = make(limits={"per_user": ["1/h"], "per_number": []})
    for _ in range(3 * HOUR // 31):
        begin(bench)

    assert 2 <= caplog.text.count("is refused: over budget: per_user") <= 3


def test_nothing_is_locked_by_a_limit(make: Callable[..., Bench]) -> None:
    bench = make(limits={"per_user": ["1/h"]})
    asked = bench.ask()
    code = bench.code()
    refused = begin(bench)

    assert isinstance(refused, Reject)
    assert bench.login.answer_leg(answer(asked.state, code)) == Accept()
    bench.clock.advance(HOUR)
    assert isinstance(bench.login.first_leg(request()), Ask)


def test_the_same_first_leg_again_gets_its_challenge_also_over_the_limit(make: Callable[..., Bench]) -> None:
    bench = make(limits={"per_user": ["1/h"]})
    asked = bench.ask()
    again = bench.login.first_leg(request())

    assert isinstance(again, Ask)
    assert again.state == asked.state
    assert count_sent(bench) == 1


def test_a_further_sms_over_the_limit_leaves_the_code_good(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(limits={"per_user": ["1/h"]}, challenge={"resend_after": 0})
    asked = bench.ask()
    code = bench.code()
    wishes = [bench.login.answer_leg(answer(asked.state, "resend")) for _ in range(5)]

    assert [wish.prompt for wish in wishes if isinstance(wish, Ask)] == [
        "No further SMS can be sent. Enter the code sent to +49 *** **67"
    ] * 5
    assert count_sent(bench) == 1
    assert caplog.text.count("gets no further SMS: over budget: per_user = 1/h") == 1
    assert bench.login.answer_leg(answer(asked.state, code)) == Accept()


@pytest.mark.parametrize(
    ("setting", "floods", "other"),
    [
        ("per_station", {"station": "cafe"}, {"station": "home"}),
        ("per_client", {"client": "vpn1"}, {"client": "vpn2"}),
        ("per_prefix", {"numbers": ("+491701230000",)}, {"numbers": ("+491701240000",)}),
        ("per_country", {"numbers": ("+18765551234",)}, {"numbers": ("+12125551234",)}),
    ],
)
def test_each_budget_keeps_out_those_that_it_is_about(
    make: Callable[..., Bench], setting: str, floods: dict[str, Any], other: dict[str, Any]
) -> None:
    bench = make(limits={"per_user": [], "per_number": [], setting: ["3/h"]})
    flood = [begin(bench, user=f"u{turn}", **floods) for turn in range(6)]
    others = [begin(bench, user=f"o{turn}", **other) for turn in range(3)]

    assert [type(each) for each in flood] == [Ask] * 3 + [Reject] * 3
    assert [type(each) for each in others] == [Ask] * 3


def test_the_total_is_for_all(make: Callable[..., Bench]) -> None:
    bench = make(limits={"total": ["5/d"]})
    decisions = [
        begin(bench, user=f"u{n}", numbers=(number,)) for n, number in zip(range(8), numbers(), strict=False)
    ]

    assert [type(each) for each in decisions] == [Ask] * 5 + [Reject] * 3


def test_those_who_send_no_station_are_not_one_station(make: Callable[..., Bench]) -> None:
    bench = make(limits={"per_station": ["1/h"]})
    decisions = [
        begin(bench, user=f"u{n}", numbers=(number,), station="")
        for n, number in zip(range(8), numbers(), strict=False)
    ]

    assert [type(each) for each in decisions] == [Ask] * 8


def test_money_counts_each_part_of_a_long_text_by_the_longest_prefix(make: Callable[..., Bench]) -> None:
    limits = {
        "per_user": [],
        "per_number": [],
        "money_per_day": 1,
        "prices": {"+": 0.5, "+49": 0.1, "+4917": 0.15},
    }
    short, long = make(limits=limits), make(limits=limits, otp={"text": "{otp}" + 200 * "x"})
    sent: list[int] = []
    for bench in (short, long):
        decisions = [
            begin(bench, user=f"{len(sent)}m{n}", numbers=(number,))
            for n, number in zip(range(12), numbers(), strict=False)
        ]
        sent.append(sum(isinstance(each, Ask) for each in decisions))

    # 0.15 once and twice; both count in one file.
    assert sent == [6, 0]


def test_money_counts_the_parts_of_the_text_in_the_language_of_the_user(make: Callable[..., Bench]) -> None:
    bench = make(
        limits={"money_per_day": 1, "prices": {"+": 0.1}},
        otp={"text": "{otp}", "texts": {"de": "{otp}" + 200 * "x"}},
    )
    for language, number in zip(("", "de", "de-at"), numbers(), strict=False):
        begin(bench, user=number, numbers=(number,), language=language)
    bench.store.flush()
    one, *others = (message.price for message in bench.outbox.messages)

    assert others == [2 * one, 2 * one]


def test_recording_refuses_nothing_and_tells_once(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(limits={"mode": "record", "per_user": ["2/h"], "countries": ["AT"], "never": ["premium"]})
    decisions = [begin(bench, station=f"s{turn}") for turn in range(10)]

    assert [type(each) for each in decisions] == [Ask] * 10
    assert caplog.text.count("would be refused (limits.mode): over budget: per_user = 2/h") == 1
    assert (
        caplog.text.count("would be refused (limits.mode): numbers of DE get no SMS (limits.countries)") == 1
    )


@pytest.mark.parametrize(
    ("limits", "number", "why"),
    [
        ({}, "+499001234567", "premium numbers get no SMS (limits.never)"),
        ({}, "+498001234567", "toll free numbers get no SMS (limits.never)"),
        ({}, "+491801234567", "shared cost numbers get no SMS (limits.never)"),
        ({"never": ["unallocated"]}, "+4917012345", "unallocated numbers get no SMS (limits.never)"),
        ({"countries": ["AT"]}, NUMBER, "numbers of DE get no SMS (limits.countries)"),
        ({"countries": ["US"]}, "+18765551234", "numbers of JM get no SMS (limits.countries)"),
    ],
)
def test_some_numbers_get_no_sms(
    make: Callable[..., Bench],
    caplog: pytest.LogCaptureFixture,
    limits: dict[str, Any],
    number: str,
    why: str,
) -> None:
    bench = make(limits=limits)
    decision = bench.login.first_leg(request(numbers=(number,)))

    assert isinstance(decision, Reject)
    assert decision.text == "No code can be sent to you. Ask your administrator."
    assert why in caplog.text
    assert count_sent(bench) == 0


def test_the_next_number_of_a_user_is_used_where_one_gets_no_sms(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.login.first_leg(request(numbers=("+499001234567", NUMBER)))
    bench.store.flush()

    assert [message.number.e164 for message in bench.outbox.messages] == [NUMBER]


@pytest.mark.parametrize("limits", [{}, {"never": []}])
def test_numbers_that_are_new_get_their_sms(make: Callable[..., Bench], limits: dict[str, Any]) -> None:
    bench = make(limits=limits)

    assert isinstance(bench.login.first_leg(request(numbers=("+4917012345",))), Ask)


def test_what_no_gateway_took_is_given_back_and_what_two_took_counts_twice(
    make: Callable[..., Bench],
) -> None:
    bench = make(limits={"per_user": ["3/d"], "per_number": []})
    adjust = bench.outbox._cost_listener
    begin(bench)
    bench.store.flush()
    adjust(bench.outbox.messages[-1], -1)
    begin(bench)
    bench.store.flush()
    adjust(bench.outbox.messages[-1], 1)
    decisions = [begin(bench) for _ in range(3)]

    assert [type(each) for each in decisions] == [Ask, Reject, Reject]


def test_whoever_has_a_number_that_no_gateway_takes_is_given_back_ten_a_day(
    make: Callable[..., Bench],
) -> None:
    bench = make(limits={"per_user": ["10/h"], "per_number": ["10/h"]})
    adjust = bench.outbox._cost_listener
    asked = 0
    for number in range(200):
        if isinstance(bench.login.first_leg(request(station=str(number))), Ask):
            asked += 1
            bench.store.flush()
            adjust(bench.outbox.messages[-1], -1)
    bench.clock.advance(86400)
    again = bench.login.first_leg(request(station="later"))

    assert asked == 20
    assert isinstance(again, Ask)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("5", "must be written as how often in which time"),
        ("5/10", "must be written as how often in which time"),
        ("five/h", "must be written as how often in which time"),
        ("-1/h", "must be written as how often in which time"),
        ("1.5/h", "must be written as how often in which time"),
        ("0/h", "must allow something 1 to"),
        ("1/0s", "must be about a time of 1 second to 31 days"),
        ("1/32d", "must be about a time of 1 second to 31 days"),
        (7, "must be written as how often in which time"),
    ],
)
def test_what_is_no_quota_is_a_problem(written: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        LimitSettings(per_user=[written])


@pytest.mark.parametrize(
    ("quotas", "problem"),
    [(["5/h", "9/60m"], "the same time twice"), (["20/h", "10/d"], "is never reached")],
)
def test_quotas_that_contradict_each_other_are_a_problem(quotas: list[str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        LimitSettings(per_user=quotas)


@pytest.mark.parametrize(
    ("written", "most", "seconds"),
    [("5/10m", 5, 600), ("20/d", 20, DAY), ("1/s", 1, 1), (" 3 / 2h ", 3, 7200), ("100/7d", 100, 7 * DAY)],
)
def test_a_quota_is_read_as_it_is_written(written: str, most: int, seconds: int) -> None:
    (quota,) = LimitSettings(per_user=[written]).per_user

    assert (quota.most, quota.seconds) == (most, seconds)


def test_money_needs_a_price_for_every_number() -> None:
    with pytest.raises(ValidationError, match="needs a price for every number"):
        LimitSettings(money_per_day=10, prices={"+49": 0.1})


def test_kinds_and_countries_are_those_of_the_numbering_plans() -> None:
    kinds = frozenset(NumberKind)

    assert find_kind("+499001234567", kinds) is NumberKind.PREMIUM
    assert find_kind("+499001234567", frozenset({NumberKind.PAGER})) is None
    assert find_kind(NUMBER, kinds) is None
    assert [find_country(number, "US") for number in ("+12125551234", "+18765551234", "+14165551234")] == [
        "US",
        "JM",
        "CA",
    ]
    assert find_country("+447781123456", "GB") == "GG"
