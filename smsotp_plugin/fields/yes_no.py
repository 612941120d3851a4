"""Yes and no, in the spellings of the gateway documentation and of TOML."""

from typing import Annotated, Any

from pydantic import BeforeValidator


def read_yes_no(value: Any) -> Any:
    """Read ``"yes"`` and ``"no"`` in any case as true and false; hand on everything else."""
    words = {"yes": True, "no": False, "true": True, "false": False}
    return words.get(value.casefold(), value) if isinstance(value, str) else value


def _read_yes_no_only(value: Any) -> bool:
    value = read_yes_no(value)
    if not isinstance(value, bool):
        raise ValueError('must be true, false, "yes" or "no"')  # noqa: TRY004  (pydantic collects ValueError only)
    return value


#: true, false, "yes" or "no".
YesNoSetting = Annotated[bool, BeforeValidator(_read_yes_no_only)]
