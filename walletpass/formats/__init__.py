"""One file per credential format. The folder is the register: every module here holds one `FORMAT`."""

from __future__ import annotations

import importlib
import pkgutil

from walletpass.credential import CredentialFormat


def load_formats() -> dict[str, CredentialFormat]:
    """The formats in this folder, by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return {module.FORMAT.name: module.FORMAT for module in modules}
