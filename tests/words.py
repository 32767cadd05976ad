"""The public names of a module, for expressions in text."""

from types import ModuleType
from typing import Any


def words(module: ModuleType) -> dict[str, Any]:
    """Every public name, those that are imported when first asked for too."""
    return {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
