"""Where the alerts of an estate arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from receivers import Mailbox, Webhook, mail_server, web_server


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with web_server() as hook:
        yield hook
