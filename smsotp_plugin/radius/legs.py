"""Turns a packet of rlm_python3 into a request for the flow, and the flow's decision into an answer. No ``radiusd``."""

from collections.abc import Sequence
from dataclasses import dataclass

from smsotp_plugin.log import make_printable
from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Reject
from smsotp_plugin.login.flow import Login
from smsotp_plugin.login.notify import Notifier
from smsotp_plugin.radius.attributes import AttributePlace, Packet, has_state, read_refusal, read_request

#: Attribute, operator, value. rlm_python3 drops anything that is not a tuple of three texts.
Change = tuple[str, str, str]
#: Module return code, changes of the reply, changes of the control list.
ModuleAnswer = tuple[int, tuple[Change, ...], tuple[Change, ...]]

#: Module return codes (``rlm_rcode_t``). OK in `authenticate` and Auth-Type Accept are the only ways in.
REJECT, OK, HANDLED, NOOP = 0, 2, 3, 7

#: Makes the server sign the reply (RFC 3579 section 3.2): it puts the real value in place of this one.
_SIGN: Change = ("Message-Authenticator", ":=", "0x00")
_CHALLENGE: Change = ("Response-Packet-Type", ":=", "Access-Challenge")
_ACCEPT: Change = ("Auth-Type", ":=", "Accept")
#: What the policies check before they rely on an answer: some servers drop the values of all changes.
_RESULTS: dict[str, Change] = {
    name: ("SMSOTP-Result", ":=", name) for name in ("answer", "none", "challenge", "accept", "reject")
}


@dataclass(frozen=True, slots=True)
class Legs:
    """
    The two legs of a log-in, and what FreeRADIUS calls before and after them.

    Raises:
        PacketError: From every method, for a packet that cannot be used.
    """

    login: Login
    notifier: Notifier
    places: Sequence[AttributePlace]

    def look(self, packet: Packet) -> ModuleAnswer:
        """Tell whether a packet is an answer leg, whose User-Password is a code, or a first leg."""
        # Every first leg comes through here too: without a State, nothing more of it is read.
        answers = has_state(packet) and self.login.is_answer(read_request(packet, ()))
        return NOOP, (), (_RESULTS["answer" if answers else "none"],)

    def first_leg(self, packet: Packet) -> ModuleAnswer:
        """Begin a log-in whose first factor is known to be right."""
        return _write_answer(self.login.first_leg(read_request(packet, self.places)))

    def answer_leg(self, packet: Packet) -> ModuleAnswer:
        """Judge an answer to a challenge; NOOP if the challenge is not one of ours."""
        return _write_answer(self.login.answer_leg(read_request(packet, self.places)))

    def notify(self, packet: Packet) -> ModuleAnswer:
        """Send the notification that the administrator's unlang asks for, if any; the decision does not change."""
        request = read_request(packet, self.places)
        if request.notification:
            self.notifier.notify(request.notification, request)
        return NOOP, (), ()

    def note(self, packet: Packet) -> ModuleAnswer:
        """Log why the policies reject a request, in the words that they have put into it."""
        self.login.note_refusal(*read_refusal(packet))
        return REJECT, (), ()


def _write_answer(decision: Ask | Accept | Reject | NotOurs) -> ModuleAnswer:
    match decision:
        case Ask(state, prompt, seconds):
            told = (("State", ":=", state), _set_message(prompt), ("Session-Timeout", ":=", str(seconds)))
            return HANDLED, (_SIGN, *told), (_CHALLENGE, _RESULTS["challenge"])
        case Accept():
            return OK, (_SIGN,), (_ACCEPT, _RESULTS["accept"])
        case NotOurs():
            return NOOP, (), (_RESULTS["none"],)
        case Reject(text, reason):
            reply = (_SIGN, _set_message(text)) if text else (_SIGN,)
            why = (_set_text("SMSOTP-Refusal", make_printable(reason)),) if reason else ()
            return REJECT, reply, (_RESULTS["reject"], *why)


def _set_message(text: str) -> Change:
    return _set_text("Reply-Message", text)


def _set_text(name: str, text: str) -> Change:
    # The server reads backslashes in values as escapes.
    return (name, ":=", text.replace("\\", "\\\\"))
