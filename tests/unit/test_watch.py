"""Which names may have to wait: whoever is told to forget, or asks, does so at any moment of the others."""

from collections.abc import Callable

import pytest

from smsotp_plugin.stores.sqlite.watch import Watch
from tests.support.interruption import interrupt_at_each_step


def of(*names: str) -> Watch:
    watch = Watch()
    watch.learn(lambda: names)
    return watch


def test_nothing_is_known_until_it_is_learned_and_after_it_is_forgotten() -> None:
    watch = Watch()
    seen = [(watch.knows, watch.holds_any(), watch.holds("anna"))]
    watch.learn(lambda: ["otto"])
    seen.append((watch.knows, watch.holds_any(), watch.holds("anna")))
    watch.forget()
    seen.append((watch.knows, watch.holds_any(), watch.holds("anna")))

    assert seen == [(False, True, True), (True, True, False), (False, True, True)]


def test_names_come_and_go() -> None:
    watch = of()
    watch.add("anna")
    held = watch.holds("anna")
    watch.discard("anna")

    assert (held, watch.holds_any()) == (True, False)


def test_somebody_who_has_to_wait_is_not_overlooked_while_others_have_it_forgotten() -> None:
    def ask() -> tuple[Callable[[], bool], Callable[[], None]]:
        watch = of("anna")
        return watch.holds_any, watch.forget

    assert {*interrupt_at_each_step(Watch.holds_any, ask)} == {True}


@pytest.mark.parametrize("function", [Watch.add, Watch.discard])
def test_what_is_counted_while_others_have_it_forgotten_refuses_no_log_in(
    function: Callable[[Watch, str], None],
) -> None:
    def count() -> tuple[Callable[[], bool], Callable[[], None]]:
        watch = of("anna", "otto")

        def ask() -> bool:
            function(watch, "anna")
            return watch.holds("otto")

        return ask, watch.forget

    assert {*interrupt_at_each_step(function, count)} == {True}


def test_what_was_read_before_others_counted_is_not_learned() -> None:
    watch = Watch()

    def read() -> list[str]:
        watch.forget()
        return []

    watch.learn(read)

    assert (watch.knows, watch.holds("anna")) == (False, True)
