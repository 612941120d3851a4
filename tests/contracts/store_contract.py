"""What every store promises, subject by subject. Each kind of store binds it: one subclass that says how it is opened."""

from tests.contracts.answer_contract import AnswerContract
from tests.contracts.budget_contract import BudgetContract
from tests.contracts.erase_contract import EraseContract
from tests.contracts.guess_contract import GuessContract
from tests.contracts.guess_lock_contract import GuessLockContract
from tests.contracts.known_place_contract import KnownPlaceContract
from tests.contracts.lifetime_contract import LifetimeContract
from tests.contracts.listener_contract import ListenerContract
from tests.contracts.log_contract import LogContract
from tests.contracts.login_contract import LoginContract
from tests.contracts.message_contract import MessageContract
from tests.contracts.resend_contract import ResendContract
from tests.contracts.share_contract import ShareContract


class StoreContract(
    AnswerContract,
    LoginContract,
    ListenerContract,
    ResendContract,
    BudgetContract,
    ShareContract,
    LifetimeContract,
    MessageContract,
    LogContract,
    EraseContract,
    GuessContract,
    GuessLockContract,
    KnownPlaceContract,
):
    """All promises."""
