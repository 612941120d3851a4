"""What a gateway repeats of a message, in its ids and its sentences."""

from base64 import b64encode
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from smsotp_plugin.providers.masking import Secrets, mask_marked
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number

NUMBER = "+491701234567"


def of(
    otp: str, sentence: str = "", code: str = "", passwords: Iterable[str] = (), written: str = "491701234567"
) -> Secrets:
    message = Message(
        reference="r",
        user="bob",
        number=parse_number(NUMBER, None),
        otp=SecretStr(otp),
        sentence=SecretStr(sentence or otp),
        expires=0,
        code=SecretStr(code),
    )
    return Secrets(message, written, passwords)


@pytest.mark.parametrize("code", ["BADGEH", "badgeh", "Ab9fGh", "ЖУКИ", "123456"])
@pytest.mark.parametrize("told", [True, False])
def test_a_code_of_any_alphabet_is_found(code: str, told: object) -> None:
    sentence = f"{code} is your code"
    known = of(code, sentence) if told else of(sentence)

    assert known.are_hidden_in(f"id:{code}")
    assert known.are_hidden_in(sentence)
    assert known.are_hidden_in(sentence.encode().hex())
    assert code not in known.mask_foreign(f"cannot deliver {code}!")
    assert code not in known.mask_foreign(f"text={sentence}")


@pytest.mark.parametrize("code", ["BADGEH", "Ab9fGh", "123456"])
@pytest.mark.parametrize(
    "form", ["{:02X} ", "{:02x}:", "\\x{:02x}", "\\u00{:02x}", "={:02X}", "%{:02X}", "%25{:02X}"]
)
def test_a_code_that_is_written_octet_by_octet_is_found(code: str, form: str) -> None:
    dump = "".join(map(form.format, code.encode())).rstrip(" :")

    assert of(code).are_hidden_in(dump)
    assert of(code).mask_foreign(f"dump of {dump} at 10:20:30").split() == [
        "dump",
        "of",
        "***",
        "at",
        "10:20:30",
    ]


@pytest.mark.parametrize("code", ["4821", "48213", "BADGEH", "Ab9fGh", "ЖУКИ"])
def test_a_packed_code_is_found_where_the_text_holds_nothing_else(code: str) -> None:
    raw = code.encode()

    assert of(code).are_hidden_in(raw.hex())
    assert of(code).are_hidden_in(b64encode(raw).decode().rstrip("="))


@pytest.mark.parametrize("password", ["geheim-77", "a!b!c!d!", "!§$%&/", "p ä s s", "Secret/123+x"])
def test_a_packed_password_is_found_whatever_signs_are_in_it(password: str) -> None:
    known = of("734921", passwords=[password])

    for raw in (f"\0me\0{password}".encode(), f"me:{password}".encode()):
        for packed in (b64encode(raw).decode(), raw.hex(), raw.hex(" ")):
            assert known.mask_foreign(f"535 no: {packed}").startswith("535 no: ***")
            assert known.are_hidden_in(packed)


def test_a_packed_number_is_found_however_it_is_grouped() -> None:
    for written in ("+49 170 1234567", "0170/123 45 67", "49-170-1234567"):
        assert of("734921").mask_foreign(f"for {b64encode(written.encode()).decode()}") == "for ***"
        assert of("734921").are_hidden_in(written.encode().hex())


@pytest.mark.parametrize(("code", "said"), [("Ab9fGh", "aB9FgH"), ("BADGEH", "badgeh"), ("ЖУКИ", "жуки")])
@pytest.mark.parametrize("beside", ["id", "é", "№"])
def test_a_code_in_another_case_is_found_whatever_letters_stand_beside_it(
    code: str, said: str, beside: str
) -> None:
    assert of(code).are_hidden_in(f"{beside}:{said}")
    assert said not in of(code).mask_foreign(f"{beside}:{said} {beside} {said}")


def test_digits_of_any_script_are_digits() -> None:
    told = "".join(chr(0x0660 + int(digit)) for digit in "123456")
    number = "".join(chr(0x0966 + int(digit)) for digit in NUMBER[1:])

    assert of("123456").mask_foreign(f"{told} for {number}") == "*** for ***"
    assert of("123456").are_hidden_in(told)
    assert of("123456").are_hidden_in(number)


def test_where_the_code_is_known_the_other_words_of_the_sms_stay() -> None:
    known = of("BADGEH is your code", code="BADGEH")

    assert known.mask_foreign("your code BADGEH is too long") == "your code *** is too long"
    assert not known.are_hidden_in("code-77")


def test_a_number_is_masked_with_everything_before_it() -> None:
    known = of("123456")

    for written in (
        "+49 170 1234567",
        "0049-170-1234567",
        "0170/123 45 67",
        "491701234567",
        "%2B491701234567",
    ):
        assert not any(part in known.mask_foreign(f"no route to {written} now") for part in ("170", "4567"))


def test_a_rewritten_number_is_masked_too() -> None:
    assert of("123456", written="99887766").mask_foreign("to 99887766.") == "to ***."


def test_passwords_are_masked_in_whatever_is_said() -> None:
    known = of("123456", passwords=["gehe:im!", "pw", "", "§§§§"])

    assert (
        known.mask_foreign("user x, password gehe:im! or pw, pwx §§§§")
        == "user x, password *** or ***, pwx ***"
    )
    assert "Z2VoZTppbSE" not in known.mask_own("Basic dXNlcjpnZWhlOmltIQ==")


def test_what_json_writes_with_escapes_is_read_first() -> None:
    known = of("123456", passwords=["gehört-mir"])

    assert known.mask_foreign(r'{"pass":"geh\u00f6rt-mir"}') == '{"pass":"***"}'
    assert known.mask_foreign(r'"{\"pass\":\"geh\\u00f6rt-mir\"}"').count("***") == 1
    assert (
        known.mask_foreign(r'{"error":"\u041d\u0435\u0442 \ud83d\ude00 \ud83d"}')
        == '{"error":"Нет 😀 \ufffd"}'
    )


@pytest.mark.parametrize(
    "gateway_id",
    [
        "",
        "77",
        "SM90f1c2b7d3e84f1a9c0b",
        "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
        "queued",
        "1700000000.12",
        "TEST1",
    ],
)
def test_an_id_that_repeats_nothing_is_none_of_ours(gateway_id: str) -> None:
    assert not of("734921", "734921 is your code").are_hidden_in(gateway_id)


def test_an_id_of_many_zeros_does_not_repeat_a_number_that_ends_in_some() -> None:
    message = Message(
        reference="r",
        user="bob",
        number=parse_number("+491700000000", None),
        otp=SecretStr("734921"),
        sentence=SecretStr("734921"),
        expires=0,
    )
    known = Secrets(message, "491700000000", [])

    assert not known.are_hidden_in("0000000000000001")
    assert known.are_hidden_in("0170-0000000")


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_keeps_the_code_and_none_is_too_much(before: str, after: str) -> None:
    known = of("734921", "734921 is your code")

    assert "734921" not in known.mask_foreign(f"{before}734921{after}")
    assert isinstance(known.are_hidden_in(before + after), bool)


def test_a_long_answer_is_not_cut_in_the_middle_of_a_code() -> None:
    assert "734" not in of("734921").mask_foreign("x" * 900 + " " + "y" * 95 + " 734921")


def test_of_an_answer_no_more_is_searched_however_long_its_characters_become() -> None:
    assert len(of("734921").mask_foreign("\u2487" * 1000)) <= 1000


@pytest.mark.parametrize("filling", ["余额不足。", '{"error":"none","detail":["a"]},', "x,"])
def test_of_a_long_answer_without_blanks_the_beginning_is_kept(filling: str) -> None:
    said = of("734921").mask_foreign("734921," + filling * 500)

    assert said.startswith(f"***,{filling}")
    assert "734" not in of("734921").mask_foreign((filling * 500)[:997] + "734921")


@pytest.mark.parametrize(
    ("code", "told", "shown"),
    [
        ("4821", "DELIVRD, error 4821", "DELIVRD, error ***"),
        ("48213", "UNDELIV, error 48213", "UNDELIV, error ***"),
        ("BADG", "UNDELIV, error badg", "UNDELIV, error ***"),
        ("4821", "UNDELIV, error 4-821", "UNDELIV, error ***"),
        ("4821", "UNDELIV, error 4822", "UNDELIV, error 4822"),
        ("4821", "UNDELIV, error 48210", "UNDELIV, error 48210"),
        ("482134", "UNDELIV, error 4821", "UNDELIV, error 4821"),
        ("482134", "text:482134", "text:***"),
    ],
)
@pytest.mark.parametrize("told_apart", [True, False])
def test_a_forgotten_message_still_hides_its_code_and_no_other_word(
    code: str, told: str, shown: str, *, told_apart: bool
) -> None:
    sentence = f"{code} is your code for 2026, 0815 calls"
    marks = (of(sentence, sentence, code) if told_apart else of(code, sentence)).mark_codes()

    assert mask_marked(told, marks) == shown
    assert mask_marked("UNDELIV, error 0815", marks) == "UNDELIV, error 0815"


def test_where_the_code_is_not_known_all_words_with_digits_are_hidden() -> None:
    marks = of("Your code 4821, gate b12a").mark_codes()

    assert [mask_marked(f"error {word}", marks) for word in ("4821", "B12A", "gate", "4822")] == [
        *("error ***", "error ***", "error gate", "error 4822")
    ]
