"""What may stand in the configuration of a gateway behind SMPP."""

from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.providers.smpp.settings import SmppSettings
from smsotp_plugin.settings import load_settings
from smsotp_plugin.wire.smpp.pdu import Address


def settings(**given: Any) -> SmppSettings:
    return SmppSettings.model_validate(
        {"provider": "smpp", "SMSC_HOST": "smsc.example", "SMSC_PORT": 2775, **given}
    )


def problems(tmp_path: Path, lines: str) -> list[str]:
    path = tmp_path / "smsotp.toml"
    path.write_text(f'[gateways.x]\nprovider = "smpp"\n{lines}\n')
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    return [problem.removeprefix(f"{path}: gateways.x.") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("", Address(0, 0, b"")),
        ("+491701234567", Address(1, 1, b"491701234567")),
        ("491701234567", Address(1, 1, b"491701234567")),
        ("00491701234567", Address(1, 1, b"491701234567")),
        ("01701234567", Address(2, 1, b"01701234567")),
        ("72345", Address(3, 0, b"72345")),
        ("Acme", Address(5, 0, b"Acme")),
        ("Acme VPN 24", Address(5, 0, b"Acme VPN 24")),
    ],
)
def test_the_senders_type_is_found_by_itself(sender: str, address: Address) -> None:
    assert settings(S_ADDR=sender).sender() == address


def test_a_type_that_is_given_is_used_and_the_sender_left_as_it_is() -> None:
    assert settings(S_ADDR="+49170", S_ADDR_TON=0, S_ADDR_NPI=9).sender() == Address(0, 9, b"+49170")
    assert settings(S_ADDR="+4917012345", S_ADDR_NPI=0).sender() == Address(1, 0, b"4917012345")


@pytest.mark.parametrize(
    ("bind", "given", "asked"), [("transceiver", None, 1), ("transmitter", None, 0), ("transceiver", 2, 2)]
)
def test_receipts_are_asked_for_where_they_can_come(bind: str, given: int | None, asked: int) -> None:
    assert settings(BIND_TYPE=bind, REGISTERED_DELIVERY=given).registered_delivery == asked


@pytest.mark.parametrize("key", ["WINDOW", "CONNECTIONS"])
def test_the_window_is_how_many_messages_are_on_their_way(key: str) -> None:
    assert settings(**{key: 20}).CONNECTIONS == 20
    assert settings().CONNECTIONS == 10


def test_an_address_of_version_6_may_stand_in_brackets() -> None:
    assert settings(SMSC_HOST="[::1]").SMSC_HOST == "::1"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f'PASSWORD = "{"123456789" * 30}"', "PASSWORD: it must not be longer than 255 characters"),
        ('PASSWORD = "pässword"', "PASSWORD: it must consist of printable ASCII"),
        ('SYSTEM_ID = "a\\u0000b"', "SYSTEM_ID: it must consist of printable ASCII"),
        ('SYSTEM_TYPE = "ä"', "SYSTEM_TYPE: it must consist of printable ASCII"),
        ('SERVICE_TYPE = "012345"', "SERVICE_TYPE: it must not be longer than 5"),
        ('S_ADDR = "My long name"', "S_ADDR: it must not be longer than 11 characters unless it is a number"),
        ('S_ADDR = "Zoë"', "S_ADDR: it must consist of printable ASCII"),
        ('S_ADDR = "123456789012345678901"', "S_ADDR: it must not be longer than 20"),
        ("S_ADDR_TON = 256", "S_ADDR_TON: it must be less than or equal to 255"),
        ('BIND_TYPE = "receiver"', "BIND_TYPE: it must be 'transceiver' or 'transmitter'"),
        ("WINDOW = 0", "WINDOW: it must be greater than or equal to 1"),
        ("WINDOW = 5\nCONNECTIONS = 6", "CONNECTIONS: there is no such key here"),
        ("TPS = -1", "TPS: it must be greater"),
        ('VALIDITY_PERIOD = "5"', "VALIDITY_PERIOD: it must be"),
        ('TLS = true\nCHECK_SSL = "/nowhere.pem"', "CHECK_SSL: it must name a file"),
    ],
)
def test_what_smpp_cannot_carry_is_a_problem_at_the_start(tmp_path: Path, line: str, problem: str) -> None:
    found = problems(tmp_path, f'SMSC_HOST = "smsc.example"\nSMSC_PORT = 2775\n{line}')

    assert len(found) == 1
    assert found[0].startswith(problem)
    assert "123456789" not in found[0]


def test_a_host_beyond_ascii_is_the_one_that_browsers_go_to() -> None:
    assert settings(SMSC_HOST="straße.example").SMSC_HOST == "xn--strae-oqa.example"
    assert settings(SMSC_HOST="127.1").SMSC_HOST == "127.0.0.1"


@pytest.mark.parametrize("host", ['""', '"smpp://smsc"', '"a b"', '"smsc.example:2775"', '"10.0.0.256"'])
def test_the_host_is_a_name_or_an_address(tmp_path: Path, host: str) -> None:
    [found] = problems(tmp_path, f"SMSC_HOST = {host}\nSMSC_PORT = 2775")

    assert found.startswith("SMSC_HOST: it must be the name or the address of the SMSC")


def test_host_and_port_are_needed(tmp_path: Path) -> None:
    assert problems(tmp_path, "") == ["SMSC_HOST: it is missing", "SMSC_PORT: it is missing"]


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ({}, ["TLS"]),
        ({"SMSC_HOST": "127.0.0.1"}, []),
        ({"SMSC_HOST": "localhost"}, []),
        ({"TLS": True}, []),
        ({"TLS": True, "CHECK_SSL": False}, ["CHECK_SSL"]),
        ({"TLS": True, "BIND_TYPE": "transmitter", "REGISTERED_DELIVERY": 1}, ["REGISTERED_DELIVERY"]),
        ({"TLS": True, "LOG_LEVEL": "debug"}, ["LOG_LEVEL"]),
        ({"TLS": True, "PASSWORD": "12345678", "SYSTEM_ID": "a" * 15, "SYSTEM_TYPE": "a" * 12}, []),
        ({"TLS": True, "PASSWORD": "123456789"}, ["PASSWORD"]),
        ({"TLS": True, "SYSTEM_ID": "a" * 16, "SYSTEM_TYPE": "a" * 13}, ["SYSTEM_ID", "SYSTEM_TYPE"]),
        *(
            ({"TLS": True, "DATA_CODING": coding}, [])
            for coding in (0, 1, 3, 8, 16, 0x1B, 0xF0, 0xC8, 0xD8, 0xE8)
        ),
        *(({"TLS": True, "DATA_CODING": coding}, ["DATA_CODING"]) for coding in (2, 4, 5, 0x14, 0xF4, 0x30)),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(given: dict[str, Any], keys: list[str]) -> None:
    assert [warning.split(":")[0] for warning in settings(**given).warnings()] == keys
