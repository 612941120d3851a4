# What rlm_python3 puts into the module `radiusd` of the interpreter that it embeds.

config: dict[str, str]

L_AUTH: int
L_INFO: int
L_ERR: int
L_WARN: int
L_DBG: int

def radlog(level: int, message: str) -> None: ...
