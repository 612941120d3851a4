"""Which messages Redis is asked for later: those of commands that it may have carried out, and no others."""

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.link import NotAnswered
from smsotp_plugin.stores.redis.unsure import Unsure

NAMES = ["a:0", "b:0"]


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (NotAnswered("it is silent", is_sent=True), NAMES),
        (ValueError("it is no number"), NAMES),
        (NotAnswered("no connection", is_sent=False), []),
        (StoreError("it is read only"), []),
    ],
)
def test_messages_are_asked_for_only_where_redis_may_have_made_them_ours(
    error: Exception, asked: list[str]
) -> None:
    unsure = Unsure()
    with pytest.raises(type(error)), unsure.of(NAMES):
        raise error
    one_by_one = unsure.ask()
    with pytest.raises(type(error)), unsure.of_all():
        raise error

    assert one_by_one == (asked, False)
    assert unsure.ask() == (asked, bool(asked))
