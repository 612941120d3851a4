"""What holds for every test: no secret in a log, no skip that CI does not know."""

import gc
import os
import signal
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.clock import FakeClock
from tests.support.leaks import secrets
from tests.support.unclosed import nothing_is_left_open

__all__ = ["nothing_is_left_open", "secrets"]

pytest_plugins = ["pytester"]

# Its tests are inherited, and a failure of one should show the values, too.
pytest.register_assert_rewrite("smsotp_conformance")

# A shell that starts us in the background, and nohup, let us ignore these, and what tests start would ignore them, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Protects this process alone.
    signal.signal(signal.SIGHUP, lambda *_: None)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# How long an example takes, or making it, says more about the machine than about the code.
settings.register_profile("smsotp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("smsotp")

#: What may be skipped in CI; where anything else is missing, the run fails.
_MAY_BE_SKIPPED = (
    "it does not speak TLS",
    "never raised itself",
    "the API's words for a refused number are not known",
    "npm is not installed",
    "only root may mount a small disk",
)


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still until the test moves it."""
    return FakeClock()


def pytest_collection_finish() -> None:
    """Have the collector leave alone what stays until the end: all tests, and all that they have imported."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _judge((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _judge((yield))


def _judge(report: Any) -> Any:
    """Make a failure of a skip that CI does not know; xfail is no skip."""
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if "CI" in os.environ and skipped and not str(report.longrepr[2]).endswith(_MAY_BE_SKIPPED):
        report.outcome = "failed"
        report.longrepr = f"Skipped, which CI does not allow: {report.longrepr[2]}"
    return report
