"""Settings that all who use one store should have alike: told from others by a few digits, the same for the same meaning."""

from pathlib import Path

import pytest

from smsotp_plugin.settings import load_settings
from smsotp_plugin.settings.alike import name_settings

BASE = """
[store]
url = "redis://127.0.0.1:1"
key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
"""
GATEWAY = """
[gateways.any]
provider = "script"
SCRIPT = "/bin/true"
"""


def names(directory: Path, sections: str, gateway: str = GATEWAY) -> dict[str, str]:
    path = directory / "smsotp.toml"
    path.write_text(BASE + sections + gateway)
    path.chmod(0o600)
    return dict(word.split(":") for word in name_settings(load_settings(path)))


def different(directory: Path, one: str, other: str) -> set[str]:
    """Return the names of what differs."""
    first, second = names(directory, one), names(directory, other)
    assert first.keys() == second.keys()
    return {name for name in first if first[name] != second[name]}


@pytest.mark.parametrize(
    ("sections", "section"),
    [
        ("[otp]\nlength = 8", "otp"),
        ('[otp]\nalphabet = "0123456789abcdef"', "otp"),
        ("[otp]\nttl = 200", "otp"),
        ("[otp]\nmax_attempts = 3", "otp"),
        ('[otp]\ntext = "{otp} it is"', "otp"),
        ('[otp.texts]\nde = "{otp} ist es"', "otp"),
        ("[challenge]\nresend_after = 60", "challenge"),
        ('[challenge]\non_wrong_code = "reject"', "challenge"),
        ('[challenge]\nprompt = "Code?"', "challenge"),
        ("[guesses]\nmost = 20", "guesses"),
        ('[limits]\nper_user = ["3/h"]', "limits"),
        ('[limits]\ncountries = ["DE"]', "limits"),
        ('[limits]\nprices = { "+" = 0.05 }\nmoney_per_day = 10', "limits"),
        ('[limits]\nmode = "record"', "limits"),
        ('[users]\ndefault_region = "DE"', "users"),
        ('[users]\nnumber = ["reply:Phone"]', "users"),
        ("[dispatch]\nqueue = 20", "dispatch"),
        ("[dispatch]\ndeadline = 20", "dispatch"),
        ('[queue]\nmode = "workers"', "queue"),
        ("[delivery_log]\ndays = 3", "delivery_log"),
        ('[notifications.new]\ntext = "A new device"', "notifications"),
        ('[[routes]]\ngateways = ["any"]\nnumbers = ["+49"]', "routes"),
        ('[gateways.other]\nprovider = "script"\nSCRIPT = "/bin/true"', "gateways"),
    ],
)
def test_each_section_that_is_another_one_is_told(tmp_path: Path, sections: str, section: str) -> None:
    assert different(tmp_path, "", sections) == {section}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", "[otp]\nlength = 6\nttl = 300"),
        ("", "[dispatch]\nworkers = 12"),
        ("", '[log]\nlevel = "debug"'),
        ('[limits]\nper_user = ["3/60m"]', '[limits]\nper_user = ["3/h"]'),
        ('[otp.texts]\nde = "a {otp}"\nfr = "b {otp}"', '[otp.texts]\nfr = "b {otp}"\nde = "a {otp}"'),
    ],
)
def test_what_means_the_same_or_is_the_affair_of_one_machine_is_not(
    tmp_path: Path, one: str, other: str
) -> None:
    assert different(tmp_path, one, other) == set()


def test_an_account_of_a_gateway_and_the_place_of_the_store_may_differ(tmp_path: Path) -> None:
    other = GATEWAY.replace("/bin/true", "/bin/false")

    assert names(tmp_path, "") == names(tmp_path, "", other)


def test_it_is_the_same_in_every_process(tmp_path: Path) -> None:
    assert names(tmp_path, '[otp]\ntext = "{otp} it is"')["otp"] == "a02f6c"
    assert names(tmp_path, "")["limits"] == "44136f"
