"""Keyed digests are those of everybody else."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.codes.keyed import Mac


@given(key=st.binary(max_size=100), texts=st.lists(st.text(), min_size=1, max_size=3))
def test_a_digest_is_that_of_hmac_whatever_was_digested_before(key: bytes, texts: list[str]) -> None:
    mac = Mac(key)

    assert [mac.digest(text) for text in texts] == [
        hmac.digest(key, text.encode(), "sha256") for text in texts
    ]


def test_what_is_no_character_has_a_digest_too() -> None:
    assert Mac(b"key").digest("m\udcfcller") != Mac(b"key").digest("m\ufffdller")
