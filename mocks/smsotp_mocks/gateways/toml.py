"""Writing a few TOML tables, for configuration that a reader pastes. https://toml.io/en/v1.0.0"""

import json
from collections.abc import Mapping
from typing import Any


def write_toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """
    Return TOML text.

    Args:
        tables: Dotted name of each table, such as ``gateways.http.options``, and its values: text, numbers, booleans.
    """
    blocks = []
    for name, values in tables.items():
        lines = [f"[{name}]", *(f"{key} = {_write_value(value)}" for key, value in values.items())]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _write_value(value: Any) -> str:
    # JSON's escapes of a string are TOML's, as long as nothing beyond U+FFFF is escaped as a pair.
    return json.dumps(value, ensure_ascii=False)
