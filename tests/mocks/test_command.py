import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from smpplib.client import Client

COMMAND = [sys.executable, "-m", "smsotp_mocks"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=100, check=False)


def lines_until_ready(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    return list(iter(process.stdout.readline, "# ready\n"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_it_is_ready_shows_messages_and_stops_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen([*COMMAND, "--http", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        tables = tomllib.loads("".join(lines_until_ready(process)))
        url = tables["gateways"]["http"]["URL"]
        with urllib.request.urlopen(url, b"to=%2B49170123&text=Hello%1b%5B2J+123456", timeout=10):
            pass
        message = process.stdout.readline()
        os.kill(process.pid, number)
        status = process.wait(100)

    assert (message, status) == ("+49170123 http Hello\\x1b[2J 123456\n", 0)


def test_it_ends_quietly_when_nobody_reads_any_more() -> None:
    command = [*COMMAND, "--http", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = json.loads(process.stdout.readline())["gateways"]["http"]
        process.stdout.close()
        # The command may be faster to end than to answer.
        with contextlib.suppress(OSError), urllib.request.urlopen(url + "/?to=49170&text=1", timeout=10):
            pass

        assert (process.wait(100), process.stderr.read()) == (0, "")


@pytest.mark.parametrize("arguments", [["--help"], ["--http", "0", "--page", "0"]])
def test_output_that_cannot_be_written_ends_it_with_one_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=100, check=False
        )

    assert (done.returncode, done.stderr) == (
        1,
        "python -m smsotp_mocks: standard output: No space left on device\n",
    )


def test_whoever_has_closed_the_output_reads_nothing() -> None:
    words = ["bash", "-c", 'exec "$@" >&-', "-", *COMMAND, "--help"]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, timeout=100, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_json_is_one_object_a_line() -> None:
    with subprocess.Popen([*COMMAND, "--http", "0", "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        with urllib.request.urlopen(ready["gateways"]["http"] + "/?to=49170&text=246810", timeout=10):
            pass
        message: dict[str, Any] = json.loads(process.stdout.readline())
        process.terminate()

    assert (ready["event"], message["event"], message["code"]) == ("ready", "message", "246810")


def test_faults_can_be_given() -> None:
    command = [*COMMAND, "--http", "0", "--json", "--fault", "http:answer 202 yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["gateways"]["http"]
        with urllib.request.urlopen(url + "/?to=49170&text=246810", timeout=10) as answer:
            assert answer.status == 202
        process.terminate()


def test_accounts_and_the_spelling_of_ids_can_be_given() -> None:
    accounts = (
        "--account",
        "smpp_system_id=me",
        "--account",
        "smpp_password=other",
        "--account",
        "sipgate_username=you",
    )
    ids = (
        "--submit-ids",
        "decimal",
        "--receipt-ids",
        "hex",
        "--receipt-state",
        "UNDELIV",
        "--receipt-delay",
        "0.001",
    )
    with subprocess.Popen(
        [*COMMAND, "--json", *accounts, *ids], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        tables = json.loads(process.stdout.readline())["configuration"]
        smpp = tables["gateways.smpp"]
        client = Client(smpp["SMSC_HOST"], smpp["SMSC_PORT"], timeout=10, allow_unknown_opt_params=True)
        client.connect()
        client.bind_transceiver(system_id="me", password="other")
        client.send_message(
            source_addr="smsotp",
            dest_addr_ton=1,
            destination_addr="491701234567",
            short_message=b"x",
            registered_delivery=1,
        )
        taken, receipt = client.read_pdu(), client.read_pdu()
        client.unbind()
        client.disconnect()
        process.terminate()

    assert (smpp["SYSTEM_ID"], smpp["PASSWORD"]) == ("me", "other")
    assert tables["gateways.sipgate"]["USERNAME"] == "you"
    assert int(taken.message_id) == int(receipt.receipted_message_id, 16)
    assert b"stat:UNDELIV" in receipt.short_message


def test_without_ports_all_gateways_start() -> None:
    with subprocess.Popen([*COMMAND, "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.terminate()

    assert set(ready["gateways"]) == {"http", "sipgate", "smtp", "smpp"}
    assert {"gateways.sipgate", "smtp_servers.mock", "gateways.smpp"} <= set(ready["configuration"])


def test_with_tls_the_authority_is_told_and_a_certificate_can_be_a_fault() -> None:
    command = [*COMMAND, "--tls", "--json", "--fault", "http:certificate expired nth 2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        trusting = ssl.create_default_context(cafile=ready["authority"])
        url = ready["configuration"]["gateways.http"]["URL"] + "?to=49170&text=1"

        urllib.request.urlopen(url, context=trusting, timeout=10).close()
        with pytest.raises(urllib.error.URLError, match="certificate has expired"):
            urllib.request.urlopen(url, context=trusting, timeout=10)
        process.terminate()

    assert [address.partition("://")[0] for address in ready["gateways"].values()] == [
        "https",
        "https",
        "smtp",
        "smpps",
    ]
    assert ready["configuration"]["smtp_servers.mock"]["ca_file"] == ready["authority"]
    assert not Path(ready["authority"]).exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--http", "99999"], "'99999' is not a port"),
        (["--http", "x"], "'x' is not a port"),
        (["--host", "0.0.0.0"], "--public"),
        (["--http", "0", "--fault", "gtx:hang"], "must begin with a gateway"),
        (["--http", "0", "--fault", "http:certificate expired"], "This gateway cannot 'certificate'"),
        (["--http", "0", "--fault", "http:explode"], "There is no fault 'explode'"),
        (["--account", "nobody=x"], "'nobody' is not one of clickatell_user"),
        (["--account", "smpp_password"], "'smpp_password' must be followed by ="),
        (["--account", "smpp_password=ninechars"], "smpp_password: SMPP has room for at most 8 ASCII"),
        (["--account", "smpp_system_id=sixteencharacter"], "smpp_system_id: SMPP has room for at most 15"),
        (["--account", "sipgate_username=a:b"], "sipgate_username: in basic authentication"),
        (["--account", "plain_username=a:b"], "plain_username: in basic authentication"),
        (["--account", "twilio_sid=AC/1"], "twilio_sid: it is part of a URL"),
        (["--http", "0", "--fault", "http:status " + "9" * 5000], "at most 20 digits"),
        (["--receipt-delay", "-1"], "'-1' is not a number of seconds"),
        (["--receipt-delay", "soon"], "'soon' is not a number of seconds"),
        (["--http", "0", "--host", "192.0.2.1", "--public"], "port 0: Cannot assign requested address.\n"),
    ],
)
def test_a_bad_argument_gets_one_clear_sentence(arguments: list[str], says: str) -> None:
    result = run(*arguments)

    assert result.returncode == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr
