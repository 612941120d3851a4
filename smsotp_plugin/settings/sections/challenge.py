"""The section ``[challenge]``."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.template import Tags, Template
from smsotp_plugin.fields.text import check_printable

#: A RADIUS attribute holds no more (RFC 2865 section 5).
MESSAGE_BYTES = 253
#: The longest masked number: a country code of three digits.
_LONGEST_MASKED = "+999 *** **99"
_REFERENCE = "0" * 8

_PROMPT = Tags({"number": _LONGEST_MASKED, "reference": _REFERENCE})
_LATER_PROMPT = Tags({"number": _LONGEST_MASKED, "reference": _REFERENCE, "seconds": "000"})
_ANSWER_TEXT = Tags({"reference": _REFERENCE})
_WAIT_TEXT = Tags({"time": "90 min"})
_TEXT = Tags({})


def _check_message(text: Template) -> Template:
    check_printable(text.source)
    size = len(text.fill_with_examples().encode())
    if size > MESSAGE_BYTES:
        raise ValueError(
            f"must not be longer than {MESSAGE_BYTES} bytes of UTF-8 once the number is in it; it has {size}"
        )
    return text


def _check_prompt(text: Template) -> Template:
    if not text.source.strip():
        raise ValueError("must not be empty: clients show nothing, or no field for the code")
    return _check_message(text)


PromptSetting = Annotated[Template, PlainValidator(_PROMPT.read), AfterValidator(_check_prompt)]
LaterPromptSetting = Annotated[Template, PlainValidator(_LATER_PROMPT.read), AfterValidator(_check_prompt)]
AnswerTextSetting = Annotated[Template, PlainValidator(_ANSWER_TEXT.read), AfterValidator(_check_message)]
WaitTextSetting = Annotated[Template, PlainValidator(_WAIT_TEXT.read), AfterValidator(_check_message)]
TextSetting = Annotated[Template, PlainValidator(_TEXT.read), AfterValidator(_check_message)]


class OnWrongCode(StrEnum):
    """What a wrong code is answered with."""

    CHALLENGE = "challenge"
    REJECT = "reject"


class ChallengeSettings(SettingsModel):
    """
    What the person who logs in is shown, and how wrong answers are treated.

    In prompts `{number}` becomes the masked telephone number, for example `+49 *** **67`. In prompts, and in the texts
    about an answer or an SMS, `{reference}` becomes the name that the log and `smsotp trace` give the log-in, for the
    help desk. A text has at most 253 bytes of UTF-8. If a text is empty, none is sent; prompts cannot be empty.

    Attributes:
        prompt: Asks for the code.
        on_wrong_code: `challenge` asks again while tries are left, `reject` ends the log-in at the first wrong code.
        wrong_code_prompt: Asks again after a wrong code.
        wrong_code_text: Sent with the rejection of a wrong code if `on_wrong_code` is `reject`.
        too_many_attempts_text: Sent with the rejection when no tries are left.
        wait_text: Sent with the rejection of somebody who has to wait after too many wrong codes (`[guesses]`). `{time}`
            becomes the time to wait, for example `30 s`, `4 min` or `24 h`.
        locked_text: The same if only `smsotp unlock` ends the wait.
        expired_text: Sent with the rejection of a code that is too old or was used before.
        no_number_text: Sent with the rejection of somebody who has no telephone number that an SMS can be sent to.
        limit_text: Sent with the rejection when as many SMS as `[limits]` allows have been sent.
        unavailable_text: Sent with the rejection when no SMS can be sent now.
        resend_after: Seconds, 0 to 300. If the same log-in comes again within this time (a repeated packet, a second
            RADIUS server with the same store, an impatient person), it gets the same challenge and no second SMS.
            Another SMS can be requested only after this time.
        resend_word: What a person types instead of the code to have it sent again, through the next gateway. Just
            pressing Enter does the same. Neither uses up a try.
        max_resends: How often one challenge can have its code sent again, 0 to 10.
        resend_later_prompt: Asks again when another SMS was requested too early. `{seconds}` becomes the seconds to
            wait.
        no_resend_prompt: Asks again when no further SMS is left.
        uniform: Whether rejections of a first request have no text, so that somebody who does not know the password
            learns nothing from them, and somebody who knows it does not learn that it is right: `no_number_text`,
            `limit_text`, `wait_text`, `locked_text` and `unavailable_text` are then not sent with them. See
            [A rejection that tells nothing](guesses.md#a-rejection-that-tells-nothing).
        undelivered_text: Sent with the rejection of an answer when no gateway took the SMS.
    """

    prompt: PromptSetting = _PROMPT.read("Enter the code sent to {number}")
    on_wrong_code: OnWrongCode = OnWrongCode.CHALLENGE
    wrong_code_prompt: PromptSetting = _PROMPT.read("Wrong code. Enter the code sent to {number}")
    wrong_code_text: AnswerTextSetting = _ANSWER_TEXT.read("Wrong code. Log in again to get a new one.")
    too_many_attempts_text: AnswerTextSetting = _ANSWER_TEXT.read(
        "Too many wrong codes. Log in again to get a new one."
    )
    wait_text: WaitTextSetting = _WAIT_TEXT.read("Too many wrong codes. You can log in again in {time}.")
    locked_text: TextSetting = _TEXT.read("Too many wrong codes. Ask your administrator.")
    expired_text: AnswerTextSetting = _ANSWER_TEXT.read(
        "The code is no longer valid. Log in again to get a new one."
    )
    no_number_text: TextSetting = _TEXT.read("No code can be sent to you. Ask your administrator.")
    limit_text: TextSetting = _TEXT.read("Too many codes were asked for. Try again later.")
    unavailable_text: TextSetting = _TEXT.read("No code can be sent at present. Try again later.")
    resend_after: Annotated[int, Field(strict=True, ge=0, le=300)] = 30
    resend_word: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)] = (
        "resend"
    )
    max_resends: Annotated[int, Field(strict=True, ge=0, le=10)] = 2
    resend_later_prompt: LaterPromptSetting = _LATER_PROMPT.read(
        "The code is on its way to {number}. A further SMS can be sent in {seconds} s. Enter the code"
    )
    no_resend_prompt: PromptSetting = _PROMPT.read(
        "No further SMS can be sent. Enter the code sent to {number}"
    )
    uniform: Annotated[bool, Field(strict=True)] = False
    undelivered_text: AnswerTextSetting = _ANSWER_TEXT.read(
        "The SMS with the code could not be delivered. Ask your administrator."
    )
