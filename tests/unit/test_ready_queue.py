import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smsotp_plugin.dispatch.ready_queue import ReadyQueue

TAKERS = 4


@contextmanager
def takers(queue: ReadyQueue[int], use: Callable[[int], object]) -> Iterator[None]:
    def work() -> None:
        while (item := queue.get()) is not None:
            queue.pass_on()
            use(item)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(TAKERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        queue.close(TAKERS)
        for thread in threads:
            thread.join(10)


def test_the_item_that_expires_first_comes_first() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    queue.put(2, expires=20.0)
    queue.put(1, expires=10.0)

    assert [queue.get(), queue.get()] == [1, 2]


def test_items_that_expire_together_come_as_they_were_put() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    queue.put(1, expires=10.0)
    queue.put(2, expires=10.0)

    assert [queue.get(), queue.get()] == [1, 2]


def test_all_takers_work_at_once_where_each_has_to_wait() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    all_are_here = threading.Barrier(TAKERS + 1)

    with takers(queue, lambda _: all_are_here.wait(60)):
        for item in range(TAKERS):
            queue.put(item, expires=0.0)

        all_are_here.wait(60)


def test_what_was_put_before_the_end_is_taken_once() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    taken: list[int] = []

    with takers(queue, taken.append):
        for item in range(1000):
            queue.put(item, expires=0.0)

    assert sorted(taken) == list(range(1000))


def test_a_drained_queue_hands_out_what_comes_later() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    queue.put(1, expires=0.0)

    assert queue.drain() == [1]

    queue.put(2, expires=0.0)
    assert queue.get() == 2


def test_each_taker_of_a_closed_queue_gets_none() -> None:
    queue: ReadyQueue[int] = ReadyQueue()

    queue.close(takers=2)

    assert [queue.get(), queue.get()] == [None, None]


def test_what_is_taken_for_sleepers_wakes_nobody_until_it_is_given_to_them() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    for _ in range(2):
        assert queue._take() is None
    for item in (1, 2, 3, 4):
        queue.put(item, expires=float(item))
    # The token of the first item is for one of the two that sleep.
    taken = queue.take_for_sleepers()
    queue.put(5, expires=0.5)

    assert taken == [1]
    assert queue._tokens.qsize() == 1
    assert queue._take(woken=True) == 5
    assert queue._tokens.qsize() == 1
    queue.pass_on(taken)
    assert queue._tokens.qsize() == 2
    assert [queue.get() for _ in range(4)] == [1, 2, 3, 4]


def test_what_is_put_back_comes_before_all_others() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    for _ in range(2):
        assert queue._take() is None
    queue.put(1, expires=1.0)
    taken = queue.take_for_sleepers()
    for item, expires in ((2, 0.0), (3, -1.0)):
        queue.put(item, expires=expires)
    queue.pass_on(taken)

    assert [queue.get() for _ in range(3)] == [1, 3, 2]


def test_where_nobody_sleeps_nothing_is_taken_for_sleepers() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    queue.put(1, expires=1.0)

    assert queue.take_for_sleepers() == []
    assert queue.get() == 1


def test_nothing_is_lost_where_takers_take_for_sleepers() -> None:
    queue: ReadyQueue[int] = ReadyQueue()
    taken: list[int] = []

    def take(item: int) -> None:
        queue.pass_on(queue.take_for_sleepers())
        taken.append(item)

    with takers(queue, take):
        for item in range(1000):
            queue.put(item, expires=0.0)

    assert sorted(taken) == list(range(1000))
