"""Packs the folder given into a RAM disk on standard output, in the kernel's format "newc" (Linux,
Documentation/driver-api/early-userspace/buffer-format.rst); everything in it belongs to root."""

import os
import sys
from pathlib import Path


def entry(name, mode, data, number):
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    return padded(head) + padded(data)


def padded(data):
    return data + bytes(-len(data) % 4)


def main():
    folder = Path(sys.argv[1])
    out = sys.stdout.buffer
    for number, path in enumerate(sorted(folder.rglob("*")), 1):
        status, name = path.lstat(), os.fsencode(path.relative_to(folder))
        data = b""
        if path.is_symlink():
            data = os.fsencode(os.readlink(path))
        elif path.is_file():
            data = path.read_bytes()
        out.write(entry(name, status.st_mode, data, number))
    out.write(entry(b"TRAILER!!!", 0, b"", 0))


main()
