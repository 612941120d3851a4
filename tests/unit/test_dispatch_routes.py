"""Which gateways a message goes through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.dispatch.routes import Recipient, Route, RouteTable, find_realm
from smsotp_plugin.errors import NoRoute

GATEWAYS = ["a", "b", "c"]
TABLE = RouteTable(
    [
        Route("rest", ("c",)),
        Route("de", ("a", "b"), numbers=("+49",)),
        Route("mobile", ("b", "a"), numbers=("+49170", "+49171")),
        Route("shop", ("c", "a"), realms=("shop.example",)),
        Route("shop in English", ("c", "b"), realms=("shop.example",), languages=("en",)),
        Route("rest again", ("a",)),
    ],
    GATEWAYS,
)


@pytest.mark.parametrize(
    ("recipient", "route", "reason"),
    [
        (Recipient("+4315551234"), "rest", "it has no conditions"),
        (Recipient("+4930123456"), "de", "the number begins with +49"),
        (Recipient("+491711234567"), "mobile", "the number begins with +49171"),
        (Recipient("+4315551234", realm="shop.example"), "shop", "the realm is shop.example"),
        (
            Recipient("+4315551234", realm="shop.example", language="en"),
            "shop in English",
            "the realm is shop.example and the language is en",
        ),
        (Recipient("+491711234567", realm="shop.example"), "mobile", "the number begins with +49171"),
    ],
)
def test_the_closest_route_is_chosen_and_says_why(recipient: Recipient, route: str, reason: str) -> None:
    plan = TABLE.plan(recipient)

    assert (plan.route, plan.reason) == (route, reason)


@pytest.mark.parametrize(
    ("language", "route"),
    [
        *(("de", "German"), ("de-at", "Austrian"), ("de-ch", "German"), ("de_li", "German")),
        *(("zh-hant-tw", "Chinese"), ("zh", "rest"), ("den", "rest"), ("", "rest")),
    ],
)
def test_a_language_stands_for_its_kinds_unless_a_route_names_them(language: str, route: str) -> None:
    table = RouteTable(
        [
            Route("German", ("a",), languages=("de",)),
            Route("Austrian", ("b",), languages=("de-at",)),
            Route("Chinese", ("b",), languages=("zh-hant",)),
            Route("rest", ("c",)),
        ],
        GATEWAYS,
    )

    assert table.plan(Recipient("+4315551234", language=language)).route == route


@pytest.mark.parametrize("language", ["de", "de-at"])
@pytest.mark.parametrize(
    ("order", "chosen"),
    [
        (("de", "shop"), "de"),
        (("shop", "de"), "shop"),
        (("de", "shop", "de-at"), None),
        (("shop", "de-at", "de"), "shop"),
    ],
)
def test_of_routes_with_one_condition_the_first_is_chosen_also_for_a_kind_of_its_language(
    order: tuple[str, ...], chosen: str | None, language: str
) -> None:
    known = {
        "shop": Route("shop", ("a",), realms=("shop.example",)),
        "de": Route("de", ("b",), languages=("de",)),
        "de-at": Route("de-at", ("c",), languages=("de-at",)),
    }
    table = RouteTable([known[name] for name in order], GATEWAYS)
    plan = table.plan(Recipient("+4315551234", realm="shop.example", language=language))

    # Where a route names the kind itself, the one for the language counts no longer.
    assert plan.route == (chosen or {"de": "de", "de-at": "shop"}[language])


def test_a_gateway_named_for_the_user_comes_before_all_routes() -> None:
    assert TABLE.plan(Recipient("+491711234567", gateway="c")).gateways == ("c",)


def test_a_named_gateway_that_does_not_exist_is_said() -> None:
    with pytest.raises(NoRoute, match="there are: a, b, c"):
        TABLE.plan(Recipient("+491711234567", gateway="d"))


def test_no_route_is_said_with_what_to_do() -> None:
    with pytest.raises(NoRoute, match="add one without conditions"):
        RouteTable([Route("de", ("a",), numbers=("+49",))], GATEWAYS).plan(Recipient("+4315551234"))


def test_without_routes_all_gateways_are_tried_in_order() -> None:
    assert RouteTable([], GATEWAYS).plan(Recipient("+4315551234")).gateways == ("a", "b", "c")


def test_weights_share_the_first_place() -> None:
    table = RouteTable([Route("1", ("a", "b", "c"), weights=(1, 0, 3))], GATEWAYS)
    firsts = [table.plan(Recipient("+4315551234", share=place / 100)).gateways[0] for place in range(100)]

    assert (firsts.count("a"), firsts.count("b"), firsts.count("c")) == (25, 0, 75)


def test_a_further_message_of_the_same_log_in_goes_to_another_gateway() -> None:
    table = RouteTable([Route("1", ("a", "b", "c"), weights=(1, 1, 1))], GATEWAYS)
    plans = [table.plan(Recipient("+4315551234", share=0.5)).turn(turns) for turns in range(4)]

    assert [plan.gateways[0] for plan in plans] == ["b", "a", "c", "b"]


@pytest.mark.parametrize(
    ("user", "realm"),
    [("bob", ""), ("bob@Shop.example", "shop.example"), ("SHOP\\bob", "shop"), ("@shop", ""), ("a@b@c", "c")],
)
def test_the_realm_is_read_in_both_spellings(user: str, realm: str) -> None:
    assert find_realm(user) == realm


@given(
    weights=st.lists(st.integers(0, 1000), min_size=3, max_size=3).filter(any),
    share=st.floats(0, 1, exclude_max=True),
)
def test_every_gateway_has_its_turn_and_none_of_weight_zero_comes_first(
    weights: list[int], share: float
) -> None:
    table = RouteTable([Route("1", ("a", "b", "c"), weights=tuple(weights))], GATEWAYS)
    gateways = table.plan(Recipient("+4315551234", share=share)).gateways

    assert sorted(gateways) == GATEWAYS
    assert weights[GATEWAYS.index(gateways[0])] > 0
