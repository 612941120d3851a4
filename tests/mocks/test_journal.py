from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.journal import Entry, Journal


def entry(body: str) -> Entry:
    return Entry(0.0, "http", "rejected", "why", {"body": body})


def test_the_number_of_entries_is_bounded() -> None:
    journal = Journal(most=2)
    for body in "abc":
        journal.add(entry(body))

    assert [it.wire["body"] for it in journal.entries()] == ["b", "c"]


def test_the_sum_of_sizes_is_bounded() -> None:
    journal = Journal(most_bytes=3000)
    for body in ("a" * 2000, "b" * 2000, "c" * 5000):
        journal.add(entry(body))

    assert [len(it.wire["body"]) for it in journal.entries()] == [5000]


def test_an_entry_is_json() -> None:
    assert entry("x").as_dict()["wire"] == {"body": "x"}


def test_clear_forgets_requests_and_faults(gateway: HttpGateway) -> None:
    gateway.note("rejected", "why", {})
    gateway.faults.add("hang")
    gateway.clear()

    assert (gateway.requests, gateway.faults.list()) == ((), ())
