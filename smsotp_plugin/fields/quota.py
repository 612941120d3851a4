"""How often something may happen, as people write it: ``5/10m`` is five times within any ten minutes."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

_FORM = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{1,6})?\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: Seconds. Nobody wants the moment of each SMS to be remembered for longer.
_LONGEST = 31 * 86400
_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """
    How often something may happen.

    Attributes:
        most: How often, at least 1.
        seconds: Within any span of this length.
        written: As the configuration has it.
    """

    most: int
    seconds: int
    written: str

    def __str__(self) -> str:
        return self.written


def _read_quota(value: Any) -> Any:
    found = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be written as how often in which time, for example "5/10m" or "20/d"')
    most, count, unit = found.groups()
    quota = Quota(int(most), int(count or 1) * _SECONDS[unit], f"{int(most)}/{count or ''}{unit}")
    if not 1 <= quota.most <= _MOST:
        raise ValueError(f"must allow something 1 to {_MOST} times")
    if not 1 <= quota.seconds <= _LONGEST:
        raise ValueError(f"must be about a time of 1 second to {_LONGEST // 86400} days")
    return quota


def _check_quotas(quotas: tuple[Quota, ...]) -> tuple[Quota, ...]:
    if len({quota.seconds for quota in quotas}) != len(quotas):
        raise ValueError("must not name the same time twice")
    for shorter in quotas:
        for longer in quotas:
            if shorter.seconds < longer.seconds and shorter.most > longer.most:
                raise ValueError(
                    f'"{shorter}" is never reached, because "{longer}" is less: leave one of them out'
                )
    return quotas


QuotaSetting = Annotated[Quota, BeforeValidator(_read_quota)]
QuotasSetting = Annotated[tuple[QuotaSetting, ...], AfterValidator(_check_quotas)]
