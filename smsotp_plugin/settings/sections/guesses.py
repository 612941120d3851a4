"""The section ``[guesses]``."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from smsotp_plugin.fields.model import SettingsModel

#: NIST SP 800-63B-4 section 3.2.2: no more wrong answers in a row for one account.
MOST_IN_A_ROW = 100
#: How likely the code of a user may be guessed in a day, at most.
GUESSED_ONCE_IN = 10_000

Seconds = Annotated[int, Field(strict=True, ge=1, le=86_400)]


class GuessSettings(SettingsModel):
    """
    How wrong codes are counted, so that nobody gets in by trying. See [Guesses](guesses.md).

    Wrong codes in a row are counted for the account: for the User-Name without realm, case, blanks and accents, and for
    the telephone number, whichever has more. A right code resets the count; neither a new code nor a restart does.
    Places from which right codes for the account have come have counts of their own; a place is a station, or a client
    that sends no station.

    Attributes:
        free: Wrong codes in a row, 1 to 100, after which the account has to wait for its next code.
        first_wait: Seconds of the first wait, 1 to 86400. Each further wrong code doubles it.
        longest_wait: Seconds of the longest such wait, 1 to 86400.
        most: Wrong codes in a row, and in one day, 1 to 100, after which the account gets no code and no answer is
            looked at, until `lock` is over or `smsotp unlock` is called. Together with `length` and `alphabet` of
            `[otp]`, it must give a stranger at most one chance in 10000 a day of guessing a code. After 100 in a row
            only `smsotp unlock` helps.
        lock: Seconds that this lasts, 3600 to 604800.
        known_days: Days, 0 to 365, for which a place counts as known after a right code from it. 0: no place has a
            count of its own.
    """

    free: Annotated[int, Field(strict=True, ge=1, le=MOST_IN_A_ROW)] = 5
    first_wait: Seconds = 30
    longest_wait: Seconds = 3600
    most: Annotated[int, Field(strict=True, ge=1, le=MOST_IN_A_ROW)] = 50
    lock: Annotated[int, Field(strict=True, ge=3600, le=604_800)] = 86_400
    known_days: Annotated[int, Field(strict=True, ge=0, le=365)] = 30

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.free > self.most:
            raise ValueError(f"free must not be more than most ({self.most})")
        if self.first_wait > self.longest_wait:
            raise ValueError(f"first_wait must not be more than longest_wait ({self.longest_wait})")
        return self
