"""A time-stamping authority on loopback: openssl ts behind a small web server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
extendedKeyUsage = critical,timeStamping
[tsa]
serial = {home}/serial
signer_cert = {home}/leaf.pem
signer_key = {home}/leaf.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass
class LocalTsa:
    """
    An authority that answers, or does as it is told.

    :param status: HTTP status of every answer
    :param answer: what is answered instead of a time stamp
    """

    home: Path
    url: str = ""
    status: int = 200
    answer: bytes | None = None
    asked: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.home / "root.pem"

    def reply(self, question: bytes) -> bytes:
        self.asked += 1
        if self.answer is not None:
            return self.answer
        (self.home / "q.tsq").write_bytes(question)
        _openssl(self.home, "ts -reply -config tsa.cnf -section tsa -queryfile q.tsq -out a.tsr")
        return (self.home / "a.tsr").read_bytes()


def make_tsa(home: Path, name: str = "root of a test") -> LocalTsa:
    """Keys and certificates of an authority are in the folder."""
    home.mkdir()
    (home / "serial").write_text("01\n")
    (home / "tsa.cnf").write_text(_CONFIG.format(home=home, name="tsa of a test"))
    (home / "root.cnf").write_text(_CONFIG.format(home=home, name=name))
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    _openssl(home, f"req -x509 -config root.cnf -extensions root {key} -keyout root.key -out root.pem -days 30")
    _openssl(home, f"req -new -config tsa.cnf {key} -keyout leaf.key -out leaf.csr")
    _openssl(
        home,
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -set_serial 7 -extfile tsa.cnf -extensions leaf"
        " -out leaf.pem -days 20",
    )
    return LocalTsa(home)


@contextmanager
def listening(tsa: LocalTsa) -> Iterator[LocalTsa]:
    """The authority answers at its url while the block runs."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = tsa.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(tsa.status)
            for name, value in {**tsa.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    tsa.url = f"http://127.0.0.1:{server.server_port}/tsr"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield tsa
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _openssl(home: Path, line: str) -> None:
    subprocess.run(["openssl", *line.split()], cwd=home, check=True, capture_output=True)
