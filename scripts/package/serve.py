#!/usr/bin/env python3
"""Runs a service of Type=notify as systemd would, asserts what it tells, stops it, and asserts that it ends well.

    serve.py SOCKET SOCKET_INSIDE WATCHDOG_S COMMAND…

SOCKET is the path of the socket here, SOCKET_INSIDE as COMMAND sees it from within its root.
"""

import os
import signal
import socket
import subprocess
import sys
import time

READY_S = 300
STOP_S = 30


def tell(sock, until, wanted):
    """What is told until `wanted` is, or until that time."""
    told = []
    while time.monotonic() < until and wanted not in told:
        sock.settimeout(max(0.1, until - time.monotonic()))
        try:
            told += sock.recv(4096).decode().splitlines()
        except TimeoutError:
            break
    return told


def main():
    path, inside, watchdog_s, command = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    os.chmod(path, 0o666)
    told = {"NOTIFY_SOCKET": inside, "WATCHDOG_USEC": str(int(watchdog_s * 1e6))}
    begun = time.monotonic()
    service = subprocess.Popen(command, env=os.environ | told)
    try:
        ready = tell(sock, begun + READY_S, "READY=1")
        assert "READY=1" in ready, f"not ready after {READY_S} s: {ready}"
        print(f"ready after {time.monotonic() - begun:.1f} s")
        fed = tell(sock, time.monotonic() + watchdog_s, "WATCHDOG=1")
        assert "WATCHDOG=1" in fed, f"the watchdog is not fed within {watchdog_s} s: {fed}"
        print("the watchdog is fed")
        status = [line for line in ready + fed if line.startswith("STATUS=")]
        assert status, "no status is told"
        print(status[-1])
        assert service.poll() is None, f"it ended with {service.returncode}"
        begun = time.monotonic()
        service.send_signal(signal.SIGTERM)
        status = service.wait(STOP_S)
        assert status == 0, f"it ended with {status} when it was stopped"
        assert "STOPPING=1" in tell(sock, time.monotonic() + 1, "STOPPING=1"), "the end is not told"
        print(f"stopped after {time.monotonic() - begun:.1f} s")
    finally:
        service.kill()
        os.unlink(path)


main()
