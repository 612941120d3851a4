"""Two FreeRADIUS servers that share a Redis: whichever is asked, it is one log-in; and what happens when Redis is gone."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer
from smsotp_mocks.servers.redis import RedisServer
from tests.support.redis import Monitor, Redis, once

from .system import UNAVAILABLE, install, people, secrets_in, write_http_gateway

#: Scripts that somebody who logs in waits for.
OF_LEGS = ("open", "find_same", "find", "answer", "resend", "standing", "known_place", "spend")


class Pair:
    """Two servers, a Redis, a gateway, and people."""

    def __init__(self, directory: Path) -> None:
        self.redis = RedisServer(directory / "redis")
        self.gateway = HttpGateway()
        self.gateway.start()
        self.users = people(40)
        self._unused = iter(self.users)
        config = f"""
[store]
url = "{self.redis.url}"
key = "{"k" * 32}"
[dispatch]
workers = 1
# Codes so long that none stands among all that Redis holds by chance.
[otp]
length = 10
text = "Your code is {{otp}}"
{write_http_gateway(self.gateway.url)}
"""
        self.first, self.second = (
            FreeRadiusServer(directory / name, users=self.users, config_toml=config, configure=install)
            for name in ("first", "second")
        )
        with contextlib.ExitStack() as begun:
            begun.callback(self.gateway.stop)
            begun.enter_context(self.redis)
            for server in (self.first, self.second):
                begun.enter_context(server)
            self._running = begun.pop_all()

    def someone(self) -> RadiusUser:
        return next(self._unused)

    def code_of(self, user: RadiusUser, timeout: float = 10.0) -> str:
        return self.gateway.inbox.wait(number=user.phone, timeout=timeout).code

    def sms_to(self, user: RadiusUser) -> int:
        return len(self.gateway.inbox.messages(number=user.phone))

    def delay(self, user: RadiusUser) -> None:
        """Let the gateway answer late for one user: SMS of the test before may still be on their way."""
        self.gateway.faults.add(f"delay 300s for {user.phone}")

    def wait_for_attempt(self) -> None:
        """Wait until the gateway has an SMS for which it has a fault; its attempt was noted a moment before."""

        def look() -> None:
            (rule,) = self.gateway.faults.list()
            assert rule.taken

        once(look, AssertionError)

    def wait_for_redis(self) -> None:
        """Wait until both take log-ins again: each leaves a Redis alone for a moment that has failed it."""
        for server in (self.first, self.second):
            once(partial(challenged, server, self.someone()), AssertionError)

    def log_in_wholly(self, first: FreeRadiusServer, second: FreeRadiusServer) -> Answer:
        """Begin at one server and answer at the other."""
        user = self.someone()
        challenge = first.log_in(user.name, user.password)
        assert challenge.code == "challenge", challenge
        return second.answer(user.name, self.code_of(user), challenge.state)

    def close(self) -> None:
        self._running.close()
        for server in (self.first, self.second):
            codes = [message.code for message in self.gateway.inbox.messages() if message.code]
            assert secrets_in(server.log_text(), codes) == []


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.close()


def test_a_pair_whose_start_fails_leaves_nothing_running(tmp_path: Path) -> None:
    begun: list[Pair] = []

    class Seen(Pair):
        def __init__(self, directory: Path) -> None:
            begun.append(self)
            super().__init__(directory)

    tmp_path.joinpath("second").touch()
    with pytest.raises(FileExistsError):
        Seen(tmp_path)
    (pair,) = begun

    assert (pair.first.pid, pair.redis.pid) == (None, None)


def test_whoever_spends_the_sms_of_somebody_at_one_keeps_the_owner_out_at_neither(pair: Pair) -> None:
    anna = pair.someone()
    home = {"Calling_Station_Id": "home"}

    def begin(server: FreeRadiusServer, **place: str) -> tuple[Answer, str]:
        mark = pair.gateway.inbox.mark()
        challenge = server.log_in(anna.name, anna.password, **place)
        is_sent = challenge.code == "challenge"
        return challenge, pair.gateway.inbox.wait(number=anna.phone, after=mark).code if is_sent else ""

    def log_in(server: FreeRadiusServer, **place: str) -> Answer:
        challenge, code = begin(server, **place)
        return server.answer(anna.name, code, challenge.state, **place) if code else challenge

    assert log_in(pair.first, **home).code == "accept"
    stolen = [begin(pair.first, Calling_Station_Id=f"stolen {number}")[0] for number in range(12)]
    # The other one has not heard of it: it learns it when it asks for the SMS.
    at_home = [log_in(server, **home).code for server in (pair.second, pair.first)]

    assert [answer.code for answer in stolen] == ["challenge"] * 9 + ["reject"] * 3
    assert at_home == ["accept", "accept"]
    assert pair.second.log_in(anna.name, anna.password, Calling_Station_Id="stolen").code == "reject"


def test_what_begins_at_one_is_answered_at_the_other_and_only_once(pair: Pair) -> None:
    user = pair.someone()
    challenge = pair.first.log_in(user.name, user.password)
    wrong = pair.second.answer(user.name, "0000000000", challenge.state)
    right = pair.second.answer(user.name, pair.code_of(user), challenge.state)
    again = pair.first.answer(user.name, pair.code_of(user), challenge.state)

    assert [each.code for each in (challenge, wrong, right, again)] == [
        "challenge",
        "challenge",
        "accept",
        "reject",
    ]
    assert pair.log_in_wholly(pair.second, pair.first).code == "accept"


def test_each_leg_asks_redis_once_at_whichever_server_it_comes(pair: Pair) -> None:
    for server in (pair.first, pair.second):  # Redis is told each script once
        pair.log_in_wholly(server, server)
    monitor, user = Monitor(pair.redis.port), pair.someone()
    seen = []

    def see(answer: Answer) -> Answer:
        # The others are of no leg: that servers live, attempts, the delivery log.
        seen.append((answer.code, [script for script in monitor.scripts() if script in OF_LEGS]))
        return answer

    state = see(pair.first.log_in(user.name, user.password)).state
    see(pair.second.log_in(user.name, user.password))
    see(pair.second.answer(user.name, "0000000000", state))
    see(pair.first.answer(user.name, "00000 00000", state))
    see(pair.second.answer(user.name, pair.code_of(user), state))
    see(pair.first.answer(user.name, pair.code_of(user), state))
    monitor.close()

    assert seen == [
        *[("challenge", ["open"])] * 2,
        *[("challenge", ["answer"])] * 2,
        ("accept", ["answer"]),
        ("reject", ["answer"]),
    ]


def test_the_same_log_in_at_both_at_once_is_one_sms_and_one_state(pair: Pair) -> None:
    for _ in range(10):
        user, together = pair.someone(), Barrier(4)

        def log_in(server: FreeRadiusServer, user: RadiusUser = user, together: Barrier = together) -> Answer:
            together.wait()
            return server.log_in(user.name, user.password)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(log_in, [pair.first, pair.second] * 2))
        code = pair.code_of(user)

        assert {answer.code for answer in answers} == {"challenge"}
        assert len({answer.state for answer in answers}) == 1
        assert pair.second.answer(user.name, code, answers[0].state).code == "accept"
        assert pair.sms_to(user) == 1


def test_without_redis_nobody_gets_in_and_with_it_again_all_do(pair: Pair) -> None:
    waiting, new = pair.someone(), pair.someone()
    challenge = pair.first.log_in(waiting.name, waiting.password)
    code = pair.code_of(waiting)
    pair.redis.freeze()
    refused, refused_there = (server.log_in(new.name, new.password) for server in (pair.first, pair.second))
    wrong_password = pair.first.log_in(new.name, "wrong")
    answered = pair.first.answer(waiting.name, code, challenge.state)
    pair.redis.thaw()

    for answer in (refused, refused_there):
        assert (answer.code, answer.prompt) == ("reject", UNAVAILABLE)
    assert (wrong_password.code, wrong_password.prompt) == ("reject", "")
    assert answered.code == "reject"
    accepted = once(lambda: accept(pair, waiting, code, challenge.state), AssertionError)
    assert accepted.code == "accept"
    pair.wait_for_redis()
    # What Redis had received before it stopped is kept, though the log-in was refused.
    assert pair.sms_to(new) <= 1
    pair.first.wait_for_log("log-ins are refused until Redis answers")
    pair.first.wait_for_log("Redis answers again")


def accept(pair: Pair, user: RadiusUser, code: str, state: bytes) -> Answer:
    answer = pair.first.answer(user.name, code, state)
    assert answer.code == "accept"
    return answer


def test_a_server_stops_in_good_order_and_starts_while_redis_is_away(pair: Pair) -> None:
    pair.log_in_wholly(pair.second, pair.second)
    pair.redis.kill()
    pair.second.stop()
    pair.second.start()
    user = pair.someone()
    refused = pair.second.log_in(user.name, user.password)
    pair.redis.start()
    pair.wait_for_redis()

    assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)
    assert pair.log_in_wholly(pair.first, pair.second).code == "accept"


def challenged(server: FreeRadiusServer, user: RadiusUser) -> Answer:
    answer = server.log_in(user.name, user.password)
    assert answer.code == "challenge"
    return answer


def test_what_a_server_that_was_killed_has_not_sent_is_sent_by_the_other(pair: Pair) -> None:
    under_way, waiting = pair.someone(), pair.someone()
    pair.delay(under_way)
    challenges = [pair.first.log_in(user.name, user.password) for user in (under_way, waiting)]
    pair.wait_for_attempt()
    pair.first.kill()
    pair.gateway.faults.clear()
    try:
        # It is believed to live for 5 seconds more.
        code = pair.code_of(waiting, 60.0)
    finally:
        pair.gateway.faults.release()
        pair.first.start()
    pair.code_of(under_way)

    assert pair.second.answer(waiting.name, code, challenges[1].state).code == "accept"
    pair.second.wait_for_log("gateway mock: unknown: the server ended during the attempt")
    assert [pair.sms_to(user) for user in (under_way, waiting)] == [1, 1]


def test_nothing_that_redis_holds_tells_a_code_or_a_number(pair: Pair) -> None:
    user = pair.someone()
    pair.first.log_in(user.name, user.password)
    code = pair.code_of(user)
    redis = Redis(pair.redis.port)
    readers = {
        "hash": ("HGETALL",),
        "list": ("LRANGE", 0, -1),
        "set": ("SMEMBERS",),
        "zset": ("ZRANGE", 0, -1),
        "string": ("GET",),
        "stream": ("XRANGE", "-", "+"),
    }
    held: list[object] = []
    for key in redis.ask("KEYS", "*"):
        command, *rest = readers.get(redis.ask("TYPE", key), ("GET",))
        held += [key, redis.ask(command, key, *rest)]
    redis.close()

    assert secrets_in(repr(held), [code, str(user.phone), user.password]) == []
