"""`python -m web.browser`: install the npm packages that package-lock.json names, each with its known hash."""

from __future__ import annotations

import sys

from web.browser.packages import PackagesMissing, install

try:
    install()
except PackagesMissing as failure:
    sys.exit(failure.sentence)
