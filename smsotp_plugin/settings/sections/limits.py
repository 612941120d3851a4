"""The section ``[limits]``."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.quota import Quota, QuotasSetting
from smsotp_plugin.sms.kinds import NumberKind

_PREFIX = re.compile(r"\+[0-9]{0,14}")
#: For numbers of no country.
_NO_COUNTRY = "001"
_DAY = 86400


class LimitMode(StrEnum):
    """What a limit does."""

    RECORD = "record"
    ENFORCE = "enforce"


def _check_country(country: str) -> str:
    if country not in phonenumbers.SUPPORTED_REGIONS and country != _NO_COUNTRY:
        raise ValueError('must be the ISO 3166 code of a country in capital letters, for example "DE"')
    return country


def _check_prefix(prefix: str) -> str:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(
            'must be named by plus signs and first digits of numbers, for example "+4917" or "+"'
        )
    return prefix


def _read_price(value: Any) -> Any:
    # The digits that were written, not those of a binary fraction near them.
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


CountrySetting = Annotated[str, AfterValidator(_check_country)]
PrefixSetting = Annotated[str, AfterValidator(_check_prefix)]
PriceSetting = Annotated[
    Decimal, BeforeValidator(_read_price), Field(ge=0, le=1_000_000, max_digits=12, decimal_places=6)
]


class LimitSettings(SettingsModel):
    r"""
    How many SMS are sent at most, so that nobody makes the site pay or floods a telephone.

    A budget is a list that says how many SMS may be sent in what time: `["5/10m", "20/d"]` is five within any ten
    minutes and twenty within any day. Units are `s`, `m`, `h` and `d`. An empty list sets no limit. See
    [Limits](limits.md).

    Attributes:
        mode: `enforce` refuses what is over a limit. `record` only writes to the log what would have been refused, and counts
            it for `smsotp limits`.
        per_user: For each account, however its name is spelled (case, realm, `DOMAIN\`).
        per_number: For each telephone number.
        per_station: For each Calling-Station-Id. Many people behind a network's gateway may share one.
        per_client: For each client, such as a VPN gateway.
        per_prefix: For each block of numbers: those that differ in their last four digits only.
        per_country: For each country.
        total: For all together.
        countries: ISO 3166 codes of the countries whose numbers get SMS, for example `["DE", "AT"]`. Empty: all.
        pumping: What happens if codes to a block of numbers, to a country or from a station are hardly ever answered,
            so that somebody seems to have SMS sent for their own sake. `record`: a warning in the log. `enforce`: a
            warning, and no SMS are sent there for 12 hours.
        never: Kinds of numbers that get no SMS: `premium`, `shared cost`, `pager`, `toll free`, `voicemail`, and `unallocated`
            for numbers that no country has given out, as far as this version knows.
        prices: What an SMS costs, by the first digits of numbers, in any currency:
            `prices = { "+49" = 0.075, "+" = 0.2 }`. The longest prefix counts; `"+"` means all numbers.
        money_per_day: How much may be spent within any 24 hours, in the same currency. It needs a price for every number.
    """

    mode: LimitMode = LimitMode.ENFORCE
    per_user: QuotasSetting = (Quota(10, 3600, "10/h"), Quota(20, _DAY, "20/d"))
    per_number: QuotasSetting = (Quota(10, 3600, "10/h"), Quota(20, _DAY, "20/d"))
    per_station: QuotasSetting = ()
    per_client: QuotasSetting = ()
    per_prefix: QuotasSetting = ()
    per_country: QuotasSetting = ()
    total: QuotasSetting = ()
    countries: tuple[CountrySetting, ...] = ()
    pumping: LimitMode = LimitMode.RECORD
    never: tuple[NumberKind, ...] = (
        NumberKind.PREMIUM,
        NumberKind.SHARED_COST,
        NumberKind.PAGER,
        NumberKind.TOLL_FREE,
        NumberKind.VOICEMAIL,
    )
    prices: Mapping[PrefixSetting, PriceSetting] = Field(default_factory=dict)
    money_per_day: PriceSetting | None = None

    @model_validator(mode="after")
    def _check_prices(self) -> Self:
        if self.money_per_day is not None and "+" not in self.prices:
            raise ValueError(
                'money_per_day needs a price for every number: add one for all others, such as prices."+" = 0.2'
            )
        return self
