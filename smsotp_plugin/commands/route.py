"""``smsotp route``: which gateways a message to a number would go through, and why."""

from pathlib import Path

from rich.text import Text

from smsotp_plugin.assembly import build_routes
from smsotp_plugin.commands.terminal import open_consoles, print_failure, tells_failures, write_table
from smsotp_plugin.dispatch.routes import Plan, Recipient, Route, RouteTable, find_realm
from smsotp_plugin.errors import NoRoute, NumberError
from smsotp_plugin.settings import load_settings
from smsotp_plugin.sms.phone import parse_number


@tells_failures
def explain_route(config: Path, number: str, user: str, language: str, gateway: str) -> int:
    """
    Print the choice that a log-in would get, without asking whether the gateways are alive.

    Args:
        config: The configuration.
        number: As it would be written in the user's entry.
        user: User-Name, for its realm; may be empty.
        language: Value of SMSOTP-Language; may be empty.
        gateway: Value of SMSOTP-Gateway; may be empty.

    Returns:
        The exit code: 0, 1 if no route fits, 2 if the configuration cannot be used.
    """
    out, err = open_consoles()
    settings = load_settings(config)
    table = build_routes(settings)
    try:
        phone = parse_number(number, settings.users.default_region)
        recipient = Recipient(phone.e164, find_realm(user), language.lower(), gateway)
        plan = table.plan(recipient)
    except NumberError as exc:
        err.print(Text(f"smsotp: the number cannot be used: {exc}"))
        return 1
    except NoRoute as exc:
        print_failure(err, exc)
        return 1
    out.print(_describe_choice(phone.masked, plan, None if gateway else table.choose(recipient)))
    if not gateway and settings.routes:
        out.print(Text("\nAll routes:"))
        out.print(_describe_all_routes(table, recipient))
    return 0


def _describe_choice(number: str, plan: Plan, route: Route | None) -> Text:
    rows: list[tuple[str, ...]] = [("number", number), ("route", plan.route), ("because", plan.reason)]
    if route is None or not route.weights:
        rows.append(("gateways", ", then ".join(plan.gateways)))
    else:
        whole = sum(route.weights)
        shares = zip(route.gateways, route.weights, strict=True)
        rows.append(("first", ", ".join(f"{name} for {share / whole:.0%}" for name, share in shares)))
        rows.append(("then", f"the others, in the order {', '.join(route.gateways)}"))
    return write_table(rows)


def _describe_all_routes(table: RouteTable, recipient: Recipient) -> Text:
    rows: list[tuple[str, ...]] = []
    for route, fits in table.judge_all(recipient):
        verdict = "does not fit"
        if fits:
            verdict = (
                "chosen" if route is table.choose(recipient) else "matches, but another one matches better"
            )
        rows.append((route.name, _describe_conditions(route), verdict))
    return write_table(rows)


def _describe_conditions(route: Route) -> str:
    said = [
        f"{name} {', '.join(values)}"
        for name, values in (
            ("numbers", route.numbers),
            ("realms", route.realms),
            ("languages", route.languages),
        )
        if values
    ]
    return "; ".join(said) or "no conditions"
