"""A program for the benchmark of the rate budget: asks one Cloud9 as fast as it is given turns."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.rates import CatalogLedgers
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window


def main() -> None:
    """Lists and fetches, until it is told to stop or whoever started it is gone."""
    order: dict[str, Any] = json.load(sys.stdin)
    catalog = open_catalog(order["url"])
    source = SourceSettings("cloud9_emea", **order["source"])
    hour = datetime.fromisoformat(order["hour"])

    def wanted() -> bool:
        return os.getppid() == order["parent"]

    def client() -> Cloud9Client:
        return Cloud9Client(source, limiter=Limiter(CatalogLedgers(catalog), share=order["share"]))

    def list_on() -> None:
        with client() as cloud9:
            while wanted():
                list(cloud9.list_calls(Window(hour, hour + timedelta(hours=1))))

    def fetch_on() -> None:
        with client() as cloud9, tempfile.TemporaryDirectory() as folder:
            while wanted():
                for recording_id in order["recordings"]:
                    cloud9.fetch_recording(WantedRecording(recording_id), Path(folder) / "recording")

    for work in (list_on, fetch_on):
        threading.Thread(target=work, daemon=True).start()
    while wanted():
        time.sleep(1)


if __name__ == "__main__":
    main()
