"""The section ``[store]`` of a Redis: what an address may say, and what is told where it says something else."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.settings import load_settings
from smsotp_plugin.settings.warnings import find_warnings
from smsotp_plugin.stores.redis.address import RedisAddress, RedisPlace, Way, read_address
from smsotp_plugin.stores.redis.settings import RedisSettings

A, B = RedisPlace("a.example", 6379), RedisPlace("b.example", 7000)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://a.example", RedisAddress(Way.FIXED, (A,), tls=False)),
        ("redis://A.example:6379/", RedisAddress(Way.FIXED, (A,), tls=False)),
        ("rediss://b.example:7000/12", RedisAddress(Way.FIXED, (B,), tls=True, database=12)),
        ("redis://[::1]:7", RedisAddress(Way.FIXED, (RedisPlace("::1", 7),), tls=False)),
        ("redis://[::1]/2", RedisAddress(Way.FIXED, (RedisPlace("::1", 6379),), tls=False, database=2)),
        (
            "redis://u:p%40%2F:@a.example",
            RedisAddress(Way.FIXED, (A,), tls=False, username="u", password="p@/:"),
        ),
        ("redis://:p@a.example/1", RedisAddress(Way.FIXED, (A,), tls=False, password="p", database=1)),
        ("unix:///run/redis.sock", RedisAddress(Way.FIXED, (RedisPlace(path="/run/redis.sock"),), tls=False)),
        (
            "unix:///r/a%20b?db=4",
            RedisAddress(Way.FIXED, (RedisPlace(path="/r/a b"),), tls=False, database=4),
        ),
        (
            "redis+sentinel://a.example,b.example:7000/my-master/3",
            RedisAddress(
                Way.SENTINEL, (RedisPlace("a.example", 26379), B), tls=False, service="my-master", database=3
            ),
        ),
        ("rediss+sentinel://b.example:7000/m", RedisAddress(Way.SENTINEL, (B,), tls=True, service="m")),
        ("redis+cluster://a.example,b.example:7000", RedisAddress(Way.CLUSTER, (A, B), tls=False)),
        (
            "rediss+cluster://u:p@a.example/",
            RedisAddress(Way.CLUSTER, (A,), tls=True, username="u", password="p"),
        ),
    ],
)
def test_an_address_says_where_how_and_as_whom(url: str, address: RedisAddress) -> None:
    assert read_address(url) == address
    assert RedisSettings(url=url, key="k" * 32).address == address


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://", "must name a host"),
        ("redis:///0", "must name a host"),
        ("redis://a b", "must not hold blanks"),
        ("redis://a.example\n", "must not hold blanks"),
        ("redis://s3cr3t#x@a.example", "must not hold blanks"),
        ("redis://a.example:0", "has a port"),
        ("redis://a.example:65536", "has a port"),
        ("redis://a.example:", "has a port"),
        ("redis://:s3cr3t@a.example:x", "has a port"),
        ("redis://a.example/x", "number of a database"),
        ("redis://a.example/-1", "number of a database"),
        ("redis://a.example,b.example", "must name one host"),
        ("redis://a.example?db=1", "must have no parameters"),
        ("redis+sentinel://a.example", "name that the Sentinels have"),
        ("redis+sentinel://a.example/", "name that the Sentinels have"),
        ("redis+sentinel://a.example/m/x", "number of a database"),
        ("redis+cluster://a.example/1", "has only one"),
        ("redis+cluster://a.example,,b.example", "must name a host"),
        ("unix://run/redis.sock", "absolute path"),
        ("unix:///", "absolute path"),
        ("unix:///a?db=x", "number of a database"),
        ("unix:///a?x=1", "number of a database"),
        ("unix:///" + "s" * 107, "at most 107 bytes"),
        ("unix:///" + "%C3%A4" * 54, "at most 107 bytes"),
        ("unix:///a%00s3cr3t", "none of them NUL"),
        ("unix:///a%FFs3cr3t", "stand for UTF-8"),
        ("redis://u:s3cr3t%FF@a.example", "stand for UTF-8"),
        ("redis://u%20s3cr3t:p@a.example", "a user without blanks"),
        ("redis://u%00:s3cr3t@a.example", "a user without blanks"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_in_words_that_do_not_repeat_it(
    url: str, why: str
) -> None:
    with pytest.raises(ValidationError, match=why) as refused:
        RedisSettings(url=url, key="k" * 32)

    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"url": "redis://u@a.example", "username": "v"}, "keep one of them"),
        ({"url": "redis://:p@a.example", "password": "q"}, "keep one of them"),
        ({"ca_file": "/etc/ssl/certs/ca-certificates.crt"}, "no effect without TLS"),
        ({"prefix": "a b"}, "prefix"),
        ({"prefix": "{a}"}, "prefix"),
        ({"prefix": ""}, "prefix"),
        ({"prefix": "a\n"}, "letters of ASCII, digits, dots"),
        ({"username": ""}, "name of a user of Redis"),
        ({"username": "a b"}, "name of a user of Redis"),
        ({"sentinel_username": "a\0"}, "name of a user of Redis"),
        ({"key": None, "key_file": "a.key"}, "absolute path"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        RedisSettings.model_validate({"url": "redis://a.example", "key": "k" * 32, **settings})


def write(path: Path, store: str) -> Path:
    file = path / "smsotp.toml"
    file.write_text(
        f"[store]\n{store}\n[gateways.a]\nprovider = 'http'\nURL = 'https://a.example'\nRETURN_SUCCESS = 'OK'\n"
        "[gateways.a.options]\nto = '{phone}'\ntext = '{otp}'\n"
    )
    file.chmod(0o600)
    return file


def test_a_password_may_stand_in_a_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cr3t\n")
    file = write(
        tmp_path, f"url = 'rediss://a.example'\nusername = 'u'\npassword = {{ file = '{tmp_path}/secret' }}"
    )
    store = load_settings(file).store

    assert isinstance(store, RedisSettings)
    assert store.password is not None
    assert store.password.get_secret_value() == "s3cr3t"
    assert "s3cr3t" not in repr(store)
    assert store.place == "redis in TLS at a.example:6379"


def test_what_goes_over_the_network_in_clear_is_warned_of(tmp_path: Path) -> None:
    def warnings(url: str) -> list[str]:
        file = write(tmp_path, f"url = '{url}'")
        return [each for each in find_warnings(load_settings(file), file) if "store.url" in each]

    assert "in TLS it is rediss://" in warnings("redis://a.example")[0]
    assert "in TLS it is rediss://" in warnings("redis+cluster://127.0.0.1,a.example")[0]
    for quiet in ("redis://localhost", "rediss://a.example", "unix:///run/redis.sock"):
        assert warnings(quiet) == []


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel"])
def test_a_file_with_a_password_in_the_address_that_others_can_read_is_warned_of(
    tmp_path: Path, scheme: str
) -> None:
    file = write(tmp_path, f"url = '{scheme}://u:p@localhost/1'")
    file.chmod(0o644)

    assert any("store.url" in each for each in find_warnings(load_settings(file), file))


@pytest.mark.parametrize("package", ["redis", "hiredis"])
def test_without_its_packages_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "smsotp_plugin.stores.redis.settings.find_spec",
        lambda name: None if name == package else find(name),
    )
    with pytest.raises(ConfigError) as refused:
        load_settings(write(tmp_path, "url = 'redis://a.example'"))

    (problem,) = refused.value.problems
    assert problem.endswith(
        f"store.url: needs the package {package}, which is not installed: pip install 'smsotp-plugin[redis]'"
    )
