"""What is known of one gateway's HTTP API, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smsotp_plugin.providers.judging import Reply
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.sms.phone import NumberFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """
    One API.

    Attributes:
        name: As in ``preset = "name"``.
        url: Where it is; ``{username}`` stands for USERNAME.
        method: ``GET`` or ``POST``.
        number_format: How numbers are written.
        fields: The parameters that a preset sends.
        credentials: The parameters that carry USERNAME and PASSWORD of a preset; None: basic authentication.
        required: Parameters that a preset cannot know, and what they are.
        recognises: Whether a URL (host, path) with parameters of these names is this API.
        judge: Returns the receipt, or raises the error, that an answer in one of the API's own forms means; None for others.
        adapt: Changes filled fields to what the API wants for a text that is not plain ASCII, or is long.
        error_words: Texts of errors, to warn of a RETURN_SUCCESS that is found in one of them.
    """

    name: str
    url: str
    method: str
    number_format: NumberFormat
    fields: Mapping[str, Any]
    credentials: tuple[str, str] | None
    required: Mapping[str, str]
    recognises: Callable[[str, str, frozenset[str]], bool]
    judge: Callable[[Reply], Receipt | None]
    adapt: Callable[[dict[str, Any]], None]
    error_words: tuple[str, ...] = ()


def leave_as_it_is(_: dict[str, Any]) -> None:
    """Adapt nothing."""
