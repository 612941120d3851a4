"""From rlm_python3's pairs to a log-in request."""

import pytest
from pydantic import SecretStr

from smsotp_plugin.errors import PacketError
from smsotp_plugin.radius.attributes import AttributePlace, read_request

BOB = ("User-Name", "bob")


def test_everything_that_concerns_a_log_in_is_read() -> None:
    packet = {
        "request": (
            BOB,
            ("User-Password", "hello"),
            ("State", "0x6162"),
            ("NAS-IP-Address", "192.0.2.1"),
            ("NAS-Identifier", "vpn"),
            ("Calling-Station-Id", "198.51.100.7"),
            ("SMSOTP-Client-Address", "127.0.0.1"),
            ("SMSOTP-Site", "default"),
        ),
        "config": (
            ("SMSOTP-Phone", "+49170"),
            ("SMSOTP-Phone", "+49171"),
            ("SMSOTP-Gateway", "gtx"),
            ("SMSOTP-Language", "DE"),
            ("SMSOTP-Notify", "login"),
        ),
        "reply": None,
    }

    read = read_request(packet, [AttributePlace.parse("control:SMSOTP-Phone")])

    assert (read.user, read.password, read.state) == ("bob", SecretStr("hello"), "ab")
    assert read.client == "NAS-IP-Address=192.0.2.1 NAS-Identifier=vpn"
    assert (read.station, read.site) == ("198.51.100.7", "default")
    assert read.numbers == ("+49170", "+49171")
    assert (read.gateway, read.language, read.notification) == ("gtx", "de", "login")


def test_what_is_not_there_is_none_or_empty() -> None:
    read = read_request({"request": (BOB,), "config": None}, [AttributePlace.parse("control:SMSOTP-Phone")])

    assert (read.password, read.state, read.client, read.station, read.numbers) == (None, None, "", "", ())
    assert (read.gateway, read.language, read.notification, read.site) == ("", "", "", "")


def test_the_source_of_the_packet_counts_where_the_client_says_nothing() -> None:
    assert read_request({"request": (BOB, ("SMSOTP-Client-Address", "::1"))}, []).client == "::1"


def test_numbers_come_in_the_order_of_their_places() -> None:
    places = [AttributePlace.parse("reply:Filter-Id"), AttributePlace.parse("control:SMSOTP-Phone")]
    packet = {"request": (BOB,), "config": (("SMSOTP-Phone", "1"),), "reply": (("Filter-Id", "2"),)}

    assert read_request(packet, places).numbers == ("2", "1")


def test_the_control_list_has_another_name_in_python() -> None:
    assert AttributePlace.parse("control:SMSOTP-Phone") == AttributePlace("config", "SMSOTP-Phone")
    assert AttributePlace.parse("request:Called-Station-Id") == AttributePlace("request", "Called-Station-Id")


@pytest.mark.parametrize("request_list", [None, (), (("User-Password", "x"),), (("User-Name", ""),)])
def test_a_packet_without_a_name_cannot_be_used(request_list: tuple[tuple[str, str], ...] | None) -> None:
    with pytest.raises(PacketError, match="no User-Name"):
        read_request({"request": request_list}, [])


@pytest.mark.parametrize("name", ["User-Name", "User-Password", "State"])
def test_what_may_be_there_once_is_refused_twice(name: str) -> None:
    packet = {"request": (("User-Name", "bob"), (name, "0x61"), (name, "0x62"))}

    with pytest.raises(PacketError, match=f"{name} [23] times"):
        read_request(packet, [])


def test_of_what_only_informs_the_first_one_counts() -> None:
    names = ("Calling-Station-Id", "NAS-Identifier", "SMSOTP-Client-Address", "NAS-IP-Address")
    packet = {"request": (BOB, *((name, value) for value in ("a", "b") for name in names))}

    read = read_request(packet, [])

    assert (read.station, read.client) == ("a", "NAS-IP-Address=a NAS-Identifier=a")


def test_what_only_informs_is_cleaned() -> None:
    strange = "B\udcfcro \t1\x00\x1b[2J\ufffe\u202e"
    packet = {"request": (BOB, ("Calling-Station-Id", strange), ("NAS-Identifier", strange))}

    read = read_request(packet, [])

    assert (read.station, read.client) == ("B\ufffdro 1[2J", "NAS-Identifier=B\ufffdro 1[2J")


@pytest.mark.parametrize("name", ["User-Name", "User-Password", "State"])
def test_what_decides_must_be_utf_8(name: str) -> None:
    others = tuple(pair for pair in (BOB, ("User-Password", "x")) if pair[0] != name)

    with pytest.raises(PacketError, match=r"is not UTF-8 text|no User-Name"):
        read_request({"request": (*others, (name, "m\udcfcller"))}, [])


def test_a_number_that_is_not_utf_8_stays_unusable() -> None:
    packet = {"request": (BOB,), "config": (("SMSOTP-Phone", "+49170123\udce44567"),)}

    assert read_request(packet, [AttributePlace.parse("control:SMSOTP-Phone")]).numbers == (
        "+49170123\ufffd4567",
    )


@pytest.mark.parametrize("code", ["123456", ""])
def test_a_code_that_the_guard_put_aside_is_the_password(code: str) -> None:
    read = read_request({"request": (BOB,), "config": (("SMSOTP-Code", code),)}, [])

    assert read.password == SecretStr(code)


@pytest.mark.parametrize("state", ["0x", "0xff", "0x6", "0xzz", "", "0xc3a4"])
def test_a_state_that_cannot_be_ours_is_empty(state: str) -> None:
    assert read_request({"request": (BOB, ("State", state))}, []).state == ""


def test_an_empty_password_is_a_password() -> None:
    assert read_request({"request": (BOB, ("User-Password", ""))}, []).password == SecretStr("")
