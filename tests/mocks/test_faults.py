import contextlib
import threading

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_mocks.faults import words
from smsotp_mocks.faults.magic_numbers import MAGIC
from smsotp_mocks.faults.one_line import parse_rules, write_rule
from smsotp_mocks.faults.plan import BadFault, Fault, FaultPlan, Rule


@pytest.fixture
def plan() -> FaultPlan:
    return FaultPlan(words.HTTP, ("message", "gtx", "hello", "to"), early=("hello", "to"), numbered=("to",))


def actions(plan: FaultPlan, *numbers: str) -> list[str | None]:
    return [fault.action if (fault := plan.take(number)) else None for number in numbers]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("hang", Rule(Fault("hang"))),
        ("delay 250ms", Rule(Fault("delay", seconds=0.25))),
        ("delay 2 for +49170*", Rule(Fault("delay", seconds=2), number="+49170*")),
        ("throttle 3 times", Rule(Fault("throttle"), times=3)),
        ("lose once", Rule(Fault("lose"), times=1)),
        ("half nth 2", Rule(Fault("half"), nth=2)),
        ("half 20", Rule(Fault("half", bytes=20))),
        ("half 2 times", Rule(Fault("half"), times=2)),
        ('status 503 "so; busy" at gtx', Rule(Fault("status", code=503, text="so; busy"), stage="gtx")),
        ("status 503 2 times", Rule(Fault("status", code=503), times=2)),
        ("certificate expired once", Rule(Fault("certificate", text="expired"), times=1)),
        ("receipt-ids decimal for +49170*", Rule(Fault("receipt-ids", text="decimal"), number="+49170*")),
        ("smpp-status 0x58 at submit", Rule(Fault("smpp-status", code=0x58), stage="submit")),
    ],
)
def test_a_rule_is_read_from_one_line(text: str, rule: Rule) -> None:
    assert [rule] == parse_rules(text)


def test_rules_are_separated_by_semicolons_and_may_say_then() -> None:
    rules = parse_rules("delay 2s for +49170*; then throttle 3 times;")

    assert [rule.fault.action for rule in rules] == ["delay", "throttle"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "No fault is named"),
        ("explode", "There is no fault 'explode'"),
        ("delay soon", "not a duration"),
        ("delay", "Something is missing"),
        ("delay 3600s", "0 to 600 seconds"),
        ("status", "Something is missing"),
        ("status 99", "200 to 599"),
        ("hang twice", "'twice' is not understood"),
        ("hang for", "Something is missing"),
        ("certificate", "Something is missing"),
        ("certificate old", "needs one of expired, wrong-name, such as `certificate expired`"),
        ("certificate expired for +49170*", "before a number is known"),
        ("certificate expired at message", "before a number is known"),
        ("receipt-ids octal", "needs one of decimal, hex"),
        ("hang 0 times", "counts from 1"),
        ("hang nth 1 once", "not both"),
        ("hang 3 times once", "A rule can have 'times' only once"),
        ("hang for +491 for +492", "A rule can have 'for' only once"),
        ("hang for +49*1", "needs a phone number, such as"),
        ("hang for bob", "needs a phone number"),
        ("hang for +", "needs a phone number"),
        ("hang for ''", "needs a phone number"),
        ("status " + "9" * 5000, "at most 20 digits"),
        ("half " + "9" * 5000, "is not understood"),
        ("smpp-status 0x" + "f" * 5000, "at most 20 digits"),
        ("hang nth " + "9" * 5000, "at most 20 digits"),
        ("throttle " + "9" * 5000 + " times", "at most 20 digits"),
        ("xml-fault 2147483648", "-2147483648 to 2147483647"),
        ("xml-fault 405 '\0'", "cannot hold U"),
        ("status 503 '\ud800'", "half of a surrogate pair"),
        ('status 503 "busy', "quotation mark"),
    ],
)
def test_a_wrong_rule_is_explained(text: str, says: str) -> None:
    with pytest.raises(BadFault, match=says):
        parse_rules(text)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "needs an 'action'"),
        ({"action": "hang", "when": "now"}, "has no 'when'"),
        ({"action": "hang", "times": "3"}, "'times' of a fault rule must be a whole number, not '3'"),
        ({"action": "hang", "times": True}, "must be a whole number, not True"),
        ({"action": "delay", "seconds": True}, "must be a number, not True"),
        ({"action": "hang", "for": 49170}, "must be a text, not 49170"),
        ({"action": "delay"}, "needs 'seconds'"),
        ({"action": "delay", "seconds": 10**400}, "from 0 to 600 seconds"),
        ({"action": "delay", "seconds": float("nan")}, "from 0 to 600 seconds"),
        ({"action": "half", "bytes": -1}, "is 0 or more, not -1"),
        ({"action": "hang", "seconds": 2}, "takes no 'seconds'"),
        ({"action": "hang", "bytes": 0}, "takes no 'bytes'"),
        ({"action": "lose", "code": 503}, "takes no 'code'"),
        ({"action": "throttle", "text": "later"}, "takes no 'text'"),
        ({"action": "smtp-reply", "code": 450, "text": "\udc00"}, "half of a surrogate pair"),
    ],
)
def test_a_wrong_dict_is_explained(values: dict[str, object], says: str) -> None:
    with pytest.raises(BadFault, match=says):
        Rule.from_dict(values)


RULES = st.builds(
    Rule,
    st.one_of(
        st.sampled_from(sorted(words.COMMON - {"delay"})).map(Fault),
        st.sampled_from(["decimal", "hex"]).map(lambda form: Fault("receipt-ids", text=form)),
        st.integers(0, 600_000_000).map(lambda micros: Fault("delay", seconds=micros / 1e6)),
        st.builds(Fault, st.just("status"), code=st.integers(200, 599), text=st.none() | st.text(min_size=1)),
    ),
    number=st.none() | st.from_regex(r"\+[0-9]{5,12}\*?", fullmatch=True),
    times=st.none() | st.integers(1, 99),
    stage=st.none() | st.just("gtx"),
)


@given(RULES)
def test_the_dict_form_says_everything(rule: Rule) -> None:
    assert rule == Rule.from_dict(rule.as_dict())


@pytest.mark.parametrize(
    "text", [";", ";;", "at", "once", "a;b", "'", '"', "\\", '\\"', "3 times", " ", "\n", "\\n", "then"]
)
def test_a_text_in_quotation_marks_may_say_anything(text: str) -> None:
    rule = Rule(Fault("status", code=503, text=text), times=2)

    assert parse_rules(write_rule(rule)) == [rule]


@given(RULES)
def test_the_text_form_says_everything(rule: Rule) -> None:
    assert [rule] == parse_rules(write_rule(rule))


@given(st.text())
def test_any_text_gives_rules_or_an_explanation(text: str) -> None:
    with contextlib.suppress(BadFault):
        assert parse_rules(text)


def test_rules_strike_one_after_the_other(plan: FaultPlan) -> None:
    plan.add("throttle 2 times; then lose once")

    assert actions(plan, "+491", "+492", "+493", "+494") == ["throttle", "throttle", "lose", None]


def test_a_rule_for_a_number_leaves_others_alone(plan: FaultPlan) -> None:
    plan.add("hang for +49170*")

    assert actions(plan, "+4917", "49170123", "017012") == [None, "hang", None]


@pytest.mark.parametrize(
    "written",
    ["+491701234567", "00491701234567", "491701234567", "'+49 (170) 123-4567'", "0049170*", "49*", "00*"],
)
def test_a_rule_finds_a_number_however_it_is_written(plan: FaultPlan, written: str) -> None:
    plan.add(f"hang for {written}")

    assert actions(plan, "+491701234567", "0049 170 1234567", "0170 1234567") == ["hang", "hang", None]
    assert "for +" in write_rule(plan.list()[0].rule)


def test_a_rule_for_any_number_finds_national_ones(plan: FaultPlan) -> None:
    plan.add("hang for *")

    assert actions(plan, "+491701234567", "0170 1234567") == ["hang", "hang"]


def test_the_nth_message_is_struck(plan: FaultPlan) -> None:
    plan.add("hang nth 2 for +491")

    assert actions(plan, "+491", "+492", "+491", "+491") == [None, None, "hang", None]


def test_a_rule_with_a_stage_strikes_there_only(plan: FaultPlan) -> None:
    plan.add("hang at gtx")

    assert plan.take("+491") is None
    assert plan.take("+491", "gtx") == Fault("hang")


def test_the_first_rule_strikes_whether_or_not_it_names_the_stage(plan: FaultPlan) -> None:
    plan.add("throttle at gtx once; hang")

    assert [plan.take("+491", "message", "gtx"), plan.take("+491", "message", "gtx")] == [
        Fault("throttle"),
        Fault("hang"),
    ]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("lose at hello", "No message is taken at 'hello': 'lose' does nothing there"),
        ("duplicate at to", "No message is taken at 'to'"),
        ("hang at hello for +49170*", "No number is known at 'hello'"),
    ],
)
def test_a_rule_that_could_never_strike_is_refused(plan: FaultPlan, rule: str, says: str) -> None:
    with pytest.raises(BadFault, match=says):
        plan.add(rule)


def test_a_rule_strikes_before_the_message_where_the_number_is_known(plan: FaultPlan) -> None:
    plan.add("hang at to for +49170*")

    assert [plan.take("+43660", "to"), plan.take("+49170", "to")] == [None, Fault("hang")]


def test_a_word_of_another_protocol_is_refused(plan: FaultPlan) -> None:
    with pytest.raises(BadFault, match="cannot 'smpp-status'"):
        plan.add("hang; smpp-status 0x58")

    assert plan.list() == ()


def test_an_unknown_stage_is_refused(plan: FaultPlan) -> None:
    with pytest.raises(BadFault, match="no stage 'rcpt'"):
        plan.add("hang at rcpt")


@pytest.mark.parametrize(
    ("rule", "messages"), [("throttle once", 1), ("throttle 3 times", 3), ("lose nth 2", 2)]
)
def test_a_rule_is_gone_when_it_has_struck_as_often_as_it_says(
    plan: FaultPlan, rule: str, messages: int
) -> None:
    plan.add(rule)
    in_force = []
    for _ in range(messages):
        in_force.append(len(plan.list()))
        plan.take("+491")

    assert in_force == [1] * messages
    assert plan.list() == ()


def test_rules_can_be_listed_and_removed(plan: FaultPlan) -> None:
    first, _ = plan.add("throttle 2 times", Fault("lose"))
    plan.take("+491")

    listed = plan.list()[0].as_dict()

    assert {name: listed[name] for name in ("rule", "taken")} == {"rule": "throttle 2 times", "taken": 1}
    assert plan.remove(first)
    assert not plan.remove(first)
    assert actions(plan, "+491") == ["lose"]


def test_magic_numbers_strike_without_a_rule(plan: FaultPlan) -> None:
    assert actions(plan, "+4915550100001", "4915550100009", "+4915550100100") == ["hang", "throttle", None]


def test_a_rule_goes_before_the_magic(plan: FaultPlan) -> None:
    plan.add("lose")

    assert actions(plan, "+4915550100001") == ["lose"]


def test_a_rule_with_a_stage_goes_before_the_magic(plan: FaultPlan) -> None:
    plan.add("lose at gtx")

    assert plan.take("+4915550100001", "message", "gtx") == Fault("lose")


@pytest.mark.parametrize("number", sorted(MAGIC))
def test_a_magic_number_is_a_possible_mobile_number(number: str) -> None:
    assert phonenumbers.is_valid_number(phonenumbers.parse(number, None))


def test_release_ends_a_hang(plan: FaultPlan) -> None:
    thread = threading.Thread(target=plan.hang)
    thread.start()
    # Gives a hang that is none the time to end; a real one never does.
    thread.join(0.1)
    assert thread.is_alive()

    while thread.is_alive():
        plan.release()
        thread.join(0.01)


def test_release_ends_a_hang_that_has_not_begun_to_wait(plan: FaultPlan) -> None:
    plan.add("hang once")
    before = plan.take("+491")
    plan.release()
    plan.hang()
    ended = plan.is_released()
    plan.take("+491")

    assert before == Fault("hang")
    assert [ended, plan.is_released()] == [True, False]


@pytest.mark.parametrize(("copies", "said"), [(0, "does not arrive"), (1, "arrives"), (2, "arrives twice")])
def test_what_a_fault_says_of_the_message_is_what_it_does(copies: int, said: str) -> None:
    others = {"does not arrive", "arrives twice"} - {said}
    meanings = [
        action.meaning
        for word, action in words.ACTIONS.items()
        if action.copies == copies and word not in ("certificate", "receipt-ids")
    ]

    assert meanings
    assert [text for text in meanings if said not in text or any(other in text for other in others)] == []
