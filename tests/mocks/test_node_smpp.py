"""The npm package smpp against the SMPP mock; scripts/test installs it where there is npm."""

import json
import shutil
import subprocess

import pytest

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox

SCRIPT = """
const smpp = require('smpp');
const session = smpp.connect({url: process.argv[1]});
const seen = {};
session.bind_transceiver({system_id: 'smpp-user', password: process.argv[2]}, bound => {
  seen.bound = bound.command_status;
  if (bound.command_status) { console.log(JSON.stringify(seen)); session.close(); return; }
  session.submit_sm({destination_addr: '491701234567', dest_addr_ton: 1, registered_delivery: 1,
                     short_message: 'Привет 123456'}, sent => {
    seen.sent = sent.command_status; seen.id = sent.message_id;
  });
});
session.on('deliver_sm', pdu => {
  session.send(pdu.response());
  seen.receipt = pdu.short_message.message; seen.receipted = pdu.receipted_message_id;
  console.log(JSON.stringify(seen));
  session.unbind(() => session.close());
});
session.on('enquire_link', pdu => session.send(pdu.response()));
"""


def run(smsc: Smsc, password: str = "smpppass") -> dict[str, object]:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    if subprocess.run([node, "-e", "require('smpp')"], capture_output=True, check=False).returncode:
        pytest.skip("npm could not install the package smpp")
    done = subprocess.run(
        [node, "-e", SCRIPT, smsc.address, password], capture_output=True, text=True, timeout=100, check=True
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_it_sends_and_gets_a_receipt(inbox: Inbox) -> None:
    with Smsc(inbox) as smsc:
        seen = run(smsc)

    assert inbox.wait("+491701234567", timeout=0).text == "Привет 123456"
    assert (seen["bound"], seen["sent"]) == (0, 0)
    assert str(seen["receipt"]).startswith(f"id:{seen['id']} sub:001 dlvrd:001")
    assert seen["receipted"] == seen["id"]


def test_it_understands_a_wrong_password(inbox: Inbox) -> None:
    with Smsc(inbox) as smsc:
        assert run(smsc, "guess") == {"bound": 0x0E}
