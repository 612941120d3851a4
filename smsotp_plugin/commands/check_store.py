"""What ``smsotp check`` says about a shared store: who takes messages, how full the queue is, and what is wrong there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from smsotp_plugin.dispatch.health import Condition
from smsotp_plugin.errors import ConfigError, OtherKey, StoreError
from smsotp_plugin.grammar import agree
from smsotp_plugin.settings import Settings
from smsotp_plugin.settings.alike import find_traits
from smsotp_plugin.settings.sections.queue import QueueMode
from smsotp_plugin.stores.process_traits import NO_TRAITS, ProcessTraits
from smsotp_plugin.stores.queue import QueueView
from smsotp_plugin.stores.schemes import compare_keys, list_processes, look_around, look_at_queue
from smsotp_plugin.stores.settings import StoreSettings

_ANOTHER_STORE = (
    "queue.url: it leads to a different store from store.url, but a message waits where its challenge is kept: name the same one, or "
    "leave it out"
)


@dataclass(frozen=True, slots=True)
class StoreFindings:
    """
    What was found.

    Attributes:
        workers: In words, how many live and how many messages wait for them; empty if none are needed.
        warnings: What prevents log-ins now or soon, until somebody does something about it, as sentences.
        problems: What prevents them for good, also as sentences.
    """

    workers: str = ""
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()


@dataclass(slots=True)
class _Seen:
    """What was found on all ways to the store; see `StoreFindings`."""

    views: list[QueueView] = field(default_factory=list)
    processes: list[frozenset[str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def look_after_store(settings: Settings) -> StoreFindings:
    """Ask the store about the other servers that use it, and about workers if the configuration has any."""
    queue, has_workers = settings.queue, settings.queue.mode is QueueMode.WORKERS
    ways = {"store.url": settings.store}
    if has_workers and queue.url is not None:
        ways["queue.url"] = queue.reach(settings.store)
    try:
        traits = find_traits(settings)
    except ConfigError:
        # The present user may not read the key file, or it is not there yet.
        traits = NO_TRAITS
    seen = _Seen()
    for place, store in ways.items():
        _look(seen, place, store, traits, has_workers=has_workers)
    warnings, problems = list(dict.fromkeys(seen.warnings)), list(dict.fromkeys(seen.problems))
    if not has_workers:
        return StoreFindings("", warnings, problems)
    if not seen.views:
        return StoreFindings("unknown", warnings, problems)
    view, most = seen.views[0], settings.dispatch.queue
    return StoreFindings(
        f"{len(view.workers)} alive; messages waiting: {view.waiting} of at most {most}",
        [*warnings, *_find_warnings(settings, view)],
        [*problems, *([_ANOTHER_STORE] if _are_strangers(seen.processes) else [])],
    )


def _look(seen: _Seen, place: str, store: StoreSettings, traits: ProcessTraits, *, has_workers: bool) -> None:
    what = "at the queue" if has_workers else "in the store"
    try:
        if has_workers:
            seen.views.append(look_at_queue(store))
            seen.processes.append(list_processes(store))
        seen.warnings += look_around(store, traits)
        compare_keys(store, traits)
    except OtherKey as exc:
        seen.problems.append(f"{place}: {exc}")
    except StoreError as exc:
        seen.warnings.append(f"{place}: what happens {what} cannot be seen from here: {exc}")


def _are_strangers(processes: Sequence[frozenset[str]]) -> bool:
    """Tell whether two ways lead to two stores: a process that uses a store is seen by every way to it."""
    return len(processes) > 1 and bool(frozenset().union(*processes)) and not processes[0] & processes[1]


def _find_warnings(settings: Settings, view: QueueView) -> Iterator[str]:
    most = settings.dispatch.queue
    wait = f"{view.waiting} {agree(view.waiting, 'message waits', 'messages wait')} for workers"
    if not view.workers:
        yield "queue.mode: no worker is alive, and log-ins are refused until one is: start smsotp worker"
    if view.waiting >= most:
        yield (
            f"dispatch.queue: {wait}, as many as are allowed, and log-ins are refused: start "
            "more workers, or see in their log why gateways take so long"
        )
    elif 2 * view.waiting >= most:
        yield f"dispatch.queue: {wait}, at least half of what is allowed: start more workers"
    yield from _find_gateway_warnings(settings, view)


def _find_gateway_warnings(settings: Settings, view: QueueView) -> Iterator[str]:
    if not view.workers:
        return
    for name in settings.gateways:
        seen = {worker[name].condition for worker in view.workers if name in worker}
        if not seen:
            yield f"gateways.{name}: no worker has it: give workers and servers the same configuration"
        elif seen == {Condition.DEAD.value}:
            yield f"gateways.{name}: it is dead for all workers, whose log says why"
    for name in sorted({name for worker in view.workers for name in worker} - {*settings.gateways}):
        yield f"gateways: a worker has {name}, which is not in this file: give workers and servers the same configuration"
