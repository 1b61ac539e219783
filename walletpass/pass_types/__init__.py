"""One data file per type of pass. The folder is the register: every module here holds one `PASS_TYPE`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from walletpass.pass_type import Catalogue


def load_catalogue(switched_on: Collection[str] = ()) -> Catalogue:
    """The catalogue of the types in this folder, or of those named in `switched_on`."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    types = [importlib.import_module(f"{__name__}.{name}").PASS_TYPE for name in names]
    every = Catalogue(types)
    return Catalogue(every.named(name) for name in switched_on) if switched_on else every
