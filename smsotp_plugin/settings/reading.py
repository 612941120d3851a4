"""From a TOML file to `Settings`: every part is read and judged, and then what is wrong only in combination."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from smsotp_plugin.codes.names import could_be_code
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.grammar import agree
from smsotp_plugin.providers import find_provider, list_provider_names
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.settings.document import KeyPath, read_document, write_path
from smsotp_plugin.settings.problems import explain_unknown_key, write_sentences
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.settings.sections.challenge import ChallengeSettings
from smsotp_plugin.settings.sections.dispatch import DispatchSettings
from smsotp_plugin.settings.sections.guesses import GUESSED_ONCE_IN
from smsotp_plugin.settings.sections.notifications import NotificationSettings
from smsotp_plugin.settings.sections.otp import OtpSettings
from smsotp_plugin.settings.sections.queue import QueueMode
from smsotp_plugin.settings.sections.routes import RouteSettings
from smsotp_plugin.stores.schemes import find_store
from smsotp_plugin.stores.settings import StoreSettings

#: Where the configuration is unless another path is given.
DEFAULT_PATH = Path("/etc/smsotp/smsotp.toml")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

#: Sections that hold any number of tables, with names of the administrator's choice.
_NAMED_TABLES = ("smtp_servers", "gateways", "notifications")
#: Sections that may occur any number of times.
_REPEATED_TABLES = ("routes",)

_ModelT = TypeVar("_ModelT", bound=SettingsModel)


def load_settings(path: Path) -> Settings:
    """
    Read and judge a configuration file.

    Raises:
        ConfigError: It cannot be read or used; all problems at once.
    """
    return judge_document(read_document(path), path)


def judge_document(document: dict[str, Any], path: Path) -> Settings:
    """
    Judge what a configuration file says.

    Args:
        document: As `read_document` returns it.
        path: Of the file, for the problems.

    Raises:
        ConfigError: It cannot be used; all problems at once.
    """
    try:
        parts, problems = _read_parts(document)
    except RecursionError:
        raise ConfigError([f"{path}: it is nested too deeply"]) from None
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return Settings(**parts)


def _read_parts(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    parts: dict[str, Any] = {}
    problems: list[str] = []
    sections = {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if name not in (*_NAMED_TABLES, *_REPEATED_TABLES, "store")
    }
    for name, model in sections.items():
        assert isinstance(model, type) and issubclass(model, SettingsModel)  # noqa: PT018  (narrows for mypy)
        part = _read_model(model, document.get(name, {}), (name,), problems)
        if part is not None:
            parts[name] = part
    store = _read_store(document.get("store", {}), problems)
    if store is not None:
        parts["store"] = store
    servers = _read_named(SmtpServer, "smtp_servers", document, problems)
    parts["smtp_servers"] = _keep_whole(servers)
    parts["notifications"] = _keep_whole(
        _read_named(NotificationSettings, "notifications", document, problems)
    )
    parts["routes"] = _read_routes(document.get("routes", []), problems)
    gateways = _read_gateways(document.get("gateways", {}), servers, problems)
    problems += [
        f"{write_path(('gateways', name))}.{problem}"
        for name, gateway in gateways.items()
        for problem in gateway.problems()
    ]
    parts["gateways"] = _set_workers(gateways, parts.get("dispatch"))
    problems += [
        f"{write_path((name,))}: {explain_unknown_key(name, Settings)}"
        for name in document
        if name not in Settings.model_fields
    ]
    problems += _find_cross_problems(parts, document.get("gateways", {}))
    return parts, problems


def _read_model(
    model: type[_ModelT],
    value: Any,
    place: KeyPath,
    problems: list[str],
    context: Mapping[str, Any] | None = None,
) -> _ModelT | None:
    if not isinstance(value, dict):
        problems.append(_explain_no_table(place))
        return None
    try:
        return model.model_validate(value, context=context)
    except ValidationError as exc:
        problems += write_sentences(exc, model, value, place)
        return None


def _explain_no_table(place: KeyPath) -> str:
    return f"{write_path(place)}: it must be a table, written [{write_path(place)}]"


def _read_named(
    model: type[_ModelT], section: str, document: Mapping[str, Any], problems: list[str]
) -> dict[str, _ModelT | None]:
    return {
        name: _read_model(model, table, (section, name), problems)
        for name, table in _find_named_tables(section, document.get(section, {}), problems).items()
    }


def _keep_whole(parts: Mapping[str, _ModelT | None]) -> dict[str, _ModelT]:
    """Leave out what has problems."""
    return {name: part for name, part in parts.items() if part is not None}


def _read_store(value: Any, problems: list[str]) -> StoreSettings | None:
    place = ("store",)
    try:
        kind = find_store(value.get("url") if isinstance(value, dict) else None)
    except ConfigError as exc:
        problems += [f"{write_path((*place, 'url'))}: {problem}" for problem in exc.problems]
        return None
    model: type[StoreSettings] = kind.Settings
    return _read_model(model, value, place, problems)


def _read_routes(value: Any, problems: list[str]) -> tuple[RouteSettings, ...]:
    if not isinstance(value, list):
        problems.append("routes: each route must be a table of its own, written [[routes]]")
        return ()
    read = [
        _read_model(RouteSettings, table, ("routes", str(place)), problems)
        for place, table in enumerate(value, 1)
    ]
    return tuple(route for route in read if route is not None)


def _read_gateways(
    value: Any, servers: Mapping[str, SmtpServer | None], problems: list[str]
) -> dict[str, GatewaySettings]:
    if value == {}:
        problems.append(
            "gateways: at least one gateway is needed: write a table [gateways.NAME] with its provider"
        )
    read = {
        name: _read_gateway(name, table, servers, problems)
        for name, table in _find_named_tables("gateways", value, problems).items()
    }
    return _keep_whole(read)


def _set_workers(
    gateways: Mapping[str, GatewaySettings], dispatch: DispatchSettings | None
) -> dict[str, GatewaySettings]:
    """Give ``dispatch.workers`` to the gateways that do not themselves set how much they do at the same time."""
    if dispatch is None or dispatch.workers is None:
        return dict(gateways)
    return {
        name: gateway
        if "CONNECTIONS" in gateway.model_fields_set
        else gateway.model_copy(update={"CONNECTIONS": dispatch.workers})
        for name, gateway in gateways.items()
    }


def _read_gateway(
    name: str, table: Any, servers: Mapping[str, SmtpServer | None], problems: list[str]
) -> GatewaySettings | None:
    place = ("gateways", name)
    if not isinstance(table, dict):
        problems.append(_explain_no_table(place))
        return None
    provider = table.get("provider")
    if not isinstance(provider, str) or not _NAME.fullmatch(provider):
        problems.append(
            f"{write_path((*place, 'provider'))}: it must be the name of a provider; there are: {', '.join(list_provider_names())}"
        )
        return None
    try:
        model = find_provider(provider).Settings
    except ConfigError as exc:
        problems += [f"{write_path((*place, 'provider'))}: {problem}" for problem in exc.problems]
        return None
    return _read_model(model, table, place, problems, {"smtp_servers": servers})


def _find_named_tables(section: str, value: Any, problems: list[str]) -> dict[str, Any]:
    """Return the tables ``[section.NAME]`` whose names can be used."""
    if not isinstance(value, dict):
        problems.append(f"{section}: each one must be a table of its own, written [{section}.NAME]")
        return {}
    bad = [name for name in value if not _NAME.fullmatch(name)]
    problems += [
        f"{write_path((section, name))}: the name must begin with a letter or digit and hold at most 64 letters, digits, "
        "dots, hyphens and underscores"
        for name in bad
    ]
    return {name: table for name, table in value.items() if name not in bad}


def _find_cross_problems(parts: Mapping[str, Any], named_gateways: Any) -> list[str]:
    otp, dispatch, challenge, guesses = (
        parts.get(name) for name in ("otp", "dispatch", "challenge", "guesses")
    )
    found = []
    if otp and dispatch and dispatch.deadline > otp.ttl:
        found.append(
            f"dispatch.deadline: it must not be more than otp.ttl ({otp.ttl} s): the code would be too old"
        )
    if otp and challenge and challenge.resend_after > otp.ttl:
        found.append(f"challenge.resend_after: it must not be more than otp.ttl ({otp.ttl} s)")
    if otp and guesses and otp.codes < GUESSED_ONCE_IN * guesses.most:
        found.append(
            f"guesses.most: {guesses.most} wrong {agree(guesses.most, 'code')} a day, of {otp.codes} different ones, "
            f"{agree(guesses.most, 'gives', 'give')} a stranger one chance in "
            f"{otp.codes / guesses.most:.0f} a day; it must be at most one in {GUESSED_ONCE_IN}: raise otp.length or lower guesses.most"
        )
    found += _find_queue_problems(parts)
    # Routes are compared with all gateways that have a name: a gateway that cannot be used is reported once, at the gateway.
    if otp and challenge and _could_be_code(challenge, otp):
        found.append("challenge.resend_word: it must not look like a code, or that code could never be typed")
    found += _find_route_problems(parts["routes"], named_gateways if isinstance(named_gateways, dict) else {})
    return found


def _find_queue_problems(parts: Mapping[str, Any]) -> Iterator[str]:
    queue, store, dispatch = (parts.get(name) for name in ("queue", "store", "dispatch"))
    if queue is None:
        return
    if store is not None and (problem := queue.explain_store(store)):
        yield f"queue.{problem}"
    if queue.mode is QueueMode.PROCESS:
        return
    if dispatch is not None and dispatch.wait:
        yield 'dispatch.wait: with queue.mode = "workers" it must be 0: no log-in waits for another process'


def _could_be_code(challenge: ChallengeSettings, otp: OtpSettings) -> bool:
    """Tell whether the resend word is one of the codes; the default word is so unlikely that it rules out no alphabet."""
    chosen = "resend_word" in challenge.model_fields_set
    return chosen and could_be_code(challenge.resend_word, otp.length, otp.alphabet)


def _find_route_problems(routes: Sequence[RouteSettings], gateways: Mapping[str, Any]) -> Iterator[str]:
    for place, route in enumerate(routes, 1):
        for name in route.gateways:
            if name not in gateways:
                yield f"routes.{place}.gateways: there is no gateway {name!r}; there are: {', '.join(gateways) or 'none'}"
