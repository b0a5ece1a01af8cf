"""Where alerts arrive on this machine: a mail server and a webhook, both real."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from pytest_httpserver import HTTPServer

from cloud9_archive.demo.servers import free_port


class _Kept(Message):
    def __init__(self, kept: list[Any]) -> None:
        super().__init__()
        self.kept = kept

    def handle_message(self, message: Any) -> None:
        self.kept.append(message)


@dataclass
class Mailbox:
    """Mails as they came."""

    port: int
    received: list[Any] = field(default_factory=list)

    def tells(self, subject: str, words: str) -> bool:
        """Whether a mail with these words in its subject has those in its text."""
        return any(
            subject in str(make_header(decode_header(mail["subject"]))) and words in _text(mail)
            for mail in self.received
        )

    def text(self) -> str:
        """All that was written, decoded."""
        return "\n".join(_text(mail) for mail in self.received)


def _text(mail: Any) -> str:
    """The mail's text, whatever it may be encoded in, without the marks of HTML."""
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    return html.unescape("\n".join(part.get_payload(decode=True).decode() for part in leaves))


@dataclass
class Webhook:
    """Messages as they came."""

    server: HTTPServer

    @property
    def port(self) -> int:
        return int(self.server.port)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(request.get_data()) for request, _ in self.server.log]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Mails are taken while the block runs."""
    box = Mailbox(free_port())
    receiver = Controller(_Kept(box.received), hostname="127.0.0.1", port=box.port)
    receiver.start()
    try:
        yield box
    finally:
        receiver.stop()


@contextmanager
def web_server() -> Iterator[Webhook]:
    """Messages are taken while the block runs."""
    with HTTPServer(host="127.0.0.1") as server:
        server.expect_request("/").respond_with_data("")
        yield Webhook(server)
