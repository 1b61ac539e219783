"""What workers do, one file each; the folder is the register: every module with `build` makes a task of its own.

What a wallet does to tell its phones is the wallet's own (`HasUpdates`), and joins these.
"""

from __future__ import annotations

import importlib
import pkgutil

from issuers.office import Office
from issuers.task import Task
from issuers.wallets import HasUpdates


def load_tasks(office: Office) -> dict[str, Task]:
    """Every task, by the kind of outbox row that it performs."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    tasks: list[Task] = [module.build(office) for module in modules if hasattr(module, "build")]
    tasks += [wallet.updates(office) for wallet in office.wallets.values() if isinstance(wallet, HasUpdates)]
    return {task.kind: task for task in tasks}
