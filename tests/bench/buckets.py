"""Buckets to test on: of moto, which keeps conditions and runs in this process, and of a Ceph gateway, which locks in earnest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Thread
from typing import Any
from uuid import uuid4

import boto3
from ceph_gateway import ACCESS_KEY, SECRET_KEY
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from cloud9_archive.storage.s3_client import S3Access


class _Silent(WSGIRequestHandler):
    def log(self, *args: Any, **kwargs: Any) -> None:
        pass


@contextmanager
def moto_server() -> Iterator[str]:
    """The address of a moto that answers one request after the other: its own objects know no threads."""
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False, request_handler=_Silent
    )
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def access_to(url: str, **config: Any) -> S3Access:
    """The way to a server as the user of the tests, with or without more of botocore's settings."""
    from botocore.config import Config  # noqa: PLC0415 - beside the session it belongs to

    session = boto3.session.Session(ACCESS_KEY, SECRET_KEY, region_name="us-east-1")
    return S3Access(session, endpoint_url=url, config=Config(s3={"addressing_style": "path"}, **config))


@lru_cache
def client_to(url: str) -> Any:
    """One client for all tests: to make one costs more than most of them."""
    return access_to(url).client()


def new_bucket(client: Any, *, lock: bool = True) -> str:
    """A bucket of its own; one without lock does not keep versions either."""
    name = f"t-{uuid4().hex[:20]}"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
    return name
