"""A Ceph object gateway of its own on loopback: one monitor, one OSD in memory, one RADOS gateway; gone at the end."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

NEEDED = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph")
ACCESS_KEY, SECRET_KEY = "archivist", "not-a-secret-of-anyone"
PATIENCE = 120
"""Seconds within which a part must answer."""


@contextmanager
def ceph_gateway(folder: Path) -> Iterator[str]:
    """
    The address of a gateway, with the user of :data:`ACCESS_KEY`, until the block ends.

    Only ``make test-services`` starts it; elsewhere whoever asks for it is skipped.

    :param folder: empty; holds configuration, logs and the monitor's store
    """
    if not os.environ.get("CLOUD9_SERVICES_REQUIRED"):
        pytest.skip("a Ceph gateway takes its time: make test-services starts one")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    assert not missing, f"{', '.join(missing)} is not installed on this host; make test-services installs it"
    children: list[subprocess.Popen[bytes]] = []
    try:
        yield _start(folder, children)
    finally:
        for child in reversed(children):
            child.terminate()
        for child in children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _start(folder: Path, children: list[subprocess.Popen[bytes]]) -> str:
    v2, v1, web = _free_ports(3)
    mon_host = f"[v2:127.0.0.1:{v2}/0,v1:127.0.0.1:{v1}/0]"
    fsid = str(uuid4())
    conf = folder / "ceph.conf"
    (folder / "mon").mkdir(parents=True)
    (folder / "osd").mkdir()
    conf.write_text(
        f"""[global]
fsid = {fsid}
mon_host = {mon_host}
mon_initial_members = a
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
ms_bind_ipv6 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_data = {folder}/mon
mon_data_avail_warn = 1
mon_data_avail_crit = 0
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
osd_memory_target = 1073741824
run_dir = {folder}
admin_socket = {folder}/$name.asok
log_file = {folder}/$name.log
pid_file = {folder}/$name.pid
rgw_enable_apis = s3
rgw_thread_pool_size = 32
""",
        encoding="utf-8",
    )
    monmap = folder / "monmap"
    _run("monmaptool", "--create", "--addv", "a", mon_host, "--fsid", fsid, str(monmap))
    _run("ceph-mon", "-c", conf, "--mkfs", "-i", "a", "--monmap", str(monmap))
    children.append(_serve(folder, "ceph-mon", "-c", conf, "-i", "a", "-f"))
    osd_id = str(uuid4())
    number = _run("ceph", "-c", conf, "--connect-timeout", PATIENCE, "osd", "new", osd_id).strip()
    _run("ceph-osd", "-c", conf, "--mkfs", "-i", number, "--osd-uuid", osd_id)
    children.append(_serve(folder, "ceph-osd", "-c", conf, "-i", number, "-f"))
    crc = "--ms_mon_client_mode=crc"
    children.append(
        _serve(
            folder,
            "radosgw",
            "-c",
            conf,
            "-n",
            "client.rgw",
            "-f",
            crc,
            f"--rgw_frontends=beast endpoint=127.0.0.1:{web}",
        )
    )
    _wait_for(f"http://127.0.0.1:{web}/", children)
    made = _run(
        "radosgw-admin", "-c", conf, "-n", "client.rgw", crc, "user", "create", "--uid=archivist",
        "--display-name=Archivist", f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}",
    )  # fmt: skip
    assert json.loads(made)["user_id"] == "archivist"
    return f"http://127.0.0.1:{web}"


def _run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}"
    return done.stdout


def _serve(folder: Path, *command: object) -> subprocess.Popen[bytes]:
    with (folder / f"{command[0]}.out").open("wb") as out:
        return subprocess.Popen([str(part) for part in command], stdout=out, stderr=out, stdin=subprocess.DEVNULL)


def _wait_for(url: str, children: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert all(child.poll() is None for child in children), "a part of Ceph ended: see its log"
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the gateway did not answer within {PATIENCE} s")


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
