"""What the pages quote from the log is what the policies and the plugin write there."""

import re
from pathlib import Path

import pytest

from tests.support.markdown import PAGES, ROOT

_QUOTED = re.compile(r"`(?:is refused by )?((?:smsotp_\w+: |the State of the request )[^`]+?)(?: \.\.\.)?`")
_SOURCES = (ROOT / "smsotp_plugin/raddb/templates/policy", ROOT / "smsotp_plugin/login/flow.py")


def quotes() -> list[str]:
    texts = [re.sub(r"\s+", " ", page.read_text()) for page in PAGES]
    return sorted({quote for text in texts for quote in _QUOTED.findall(text)})


def test_there_is_something_to_compare() -> None:
    assert len(quotes()) > 5


@pytest.mark.parametrize("quote", quotes())
def test_a_quoted_log_line_is_in_the_source(quote: str) -> None:
    source = "".join(Path(file).read_text() for file in _SOURCES)
    # The flow puts the second half of its sentence behind a placeholder.
    assert quote.replace("the State of the request ", "") in source
