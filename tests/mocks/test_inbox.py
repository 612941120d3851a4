import threading

import pytest

from smsotp_mocks import Inbox, NoMessage, ReceivedMessage


def put(
    inbox: Inbox, text: str = "Your code is 123456", number: str = "+491701", gateway: str = "http"
) -> int:
    message = inbox.add(
        gateway=gateway, protocol="http", number=number, text=text, segments=1, wire={"sender": ""}
    )
    return message.id


def test_a_message_carries_number_text_and_code(inbox: Inbox) -> None:
    put(inbox, number="0049 170 1")

    message = inbox.messages()[0]

    assert (message.number, message.written_number, message.code) == ("+491701", "0049 170 1", "123456")


def test_half_a_surrogate_pair_does_not_get_in(inbox: Inbox) -> None:
    put(inbox, text="\ud83d\ude00 \ud800")

    assert inbox.messages()[0].text == "😀 \ufffd"


def test_a_message_is_json(inbox: Inbox) -> None:
    put(inbox)

    assert inbox.messages()[0].as_dict()["wire"] == {"sender": ""}


def test_messages_are_found_by_any_spelling_of_the_number(inbox: Inbox) -> None:
    put(inbox, number="491701")
    put(inbox, number="491702")

    assert [message.id for message in inbox.messages(number="+49 1701")] == [1]


def test_messages_are_found_by_gateway_and_mark(inbox: Inbox) -> None:
    put(inbox, gateway="gtx")
    mark = inbox.mark()
    put(inbox, gateway="twilio")
    put(inbox, gateway="gtx")

    assert [message.id for message in inbox.messages(gateway="gtx", since=mark)] == [3]


def test_waiting_returns_a_message_that_is_already_there(inbox: Inbox) -> None:
    put(inbox)

    assert inbox.wait(number="+491701", timeout=0).id == 1


def test_waiting_returns_the_message_that_comes(inbox: Inbox) -> None:
    got: list[ReceivedMessage] = []
    thread = threading.Thread(target=lambda: got.append(inbox.wait(number="+491702", timeout=10)))
    thread.start()

    put(inbox, number="+491701")
    put(inbox, number="+491702")
    thread.join()

    assert [message.number for message in got] == ["+491702"]


def test_waiting_after_a_mark_leaves_older_messages_alone(inbox: Inbox) -> None:
    put(inbox)

    with pytest.raises(NoMessage):
        inbox.wait(after=inbox.mark(), timeout=0)


def test_waiting_in_vain_says_what_was_expected_and_what_is_there(inbox: Inbox) -> None:
    put(inbox, text="hello there")
    inbox.reject("gtx", "Invalid recipient")

    with pytest.raises(NoMessage) as failure:
        inbox.wait(number="+49170999", gateway="gtx", timeout=0)

    text = str(failure.value)
    assert "for +49170999 through gateway 'gtx'" in text
    assert "'hello there'" in text
    assert "gtx: Invalid recipient" in text


def test_the_oldest_message_gives_way() -> None:
    inbox = Inbox(max_messages=2)
    for number in ("+491", "+492", "+493"):
        put(inbox, number=number)

    assert [message.number for message in inbox.messages()] == ["+492", "+493"]
    assert inbox.messages(number="+491") == ()


def test_the_sum_of_sizes_is_bounded() -> None:
    inbox = Inbox(max_bytes=3000)
    for _ in range(10):
        put(inbox, text="x" * 1000)

    assert len(inbox) == 2


def test_clear_forgets_messages_and_keeps_counting(inbox: Inbox) -> None:
    put(inbox)
    inbox.clear()

    assert put(inbox) == 2
    assert [message.id for message in inbox.messages(number="+491701")] == [2]


def test_a_subscription_sees_messages_and_clear_in_order(inbox: Inbox) -> None:
    with inbox.subscribe() as subscription:
        put(inbox)
        inbox.clear()

        kinds = [event.kind for _ in range(2) if (event := subscription.get(timeout=1))]

    assert kinds == ["message", "clear"]


def test_a_slow_listener_is_told_that_it_lost_something(inbox: Inbox) -> None:
    with inbox.subscribe(max_waiting=1) as subscription:
        put(inbox)
        put(inbox)

        kinds = [event.kind for _ in range(2) if (event := subscription.get(timeout=1))]

    assert kinds == ["message", "lost"]


def test_a_closed_subscription_hears_nothing(inbox: Inbox) -> None:
    subscription = inbox.subscribe()
    subscription.close()
    put(inbox)

    assert subscription.get(timeout=0) is None


def test_many_threads_lose_nothing(inbox: Inbox) -> None:
    threads = [threading.Thread(target=lambda: [put(inbox) for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(range(1, 1601)) == [message.id for message in inbox.messages()]
