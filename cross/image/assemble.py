"""Usage: assemble.py IMAGE TYPE:MIB:FILE…

Puts partitions one after the other into IMAGE, from its first MiB on, and writes their table. TYPE is the partition's
type in hexadecimal; an empty FILE leaves it empty. The first one is marked as the one to start from."""

import os
import struct
import sys
from pathlib import Path

MIB = 1 << 20
SECTOR = 512
# By this the system finds its card: cross/image/init and fstab. Another is only for tests.
SIGNATURE = int(os.environ.get("SIGNATURE", "0xA1505041"), 16)


def main():
    image, table, at = Path(sys.argv[1]), b"", MIB
    with image.open("wb") as out:
        for number, part in enumerate(sys.argv[2:]):
            kind, mib, file = part.split(":", 2)
            size = int(mib) * MIB
            table += struct.pack("<B3xB3xII", 0x80 if number == 0 else 0, int(kind, 16), at // SECTOR, size // SECTOR)
            if file:
                copy(Path(file), out, at, size)
            at += size
        out.truncate(at)
        out.seek(440)
        out.write(struct.pack("<I2x", SIGNATURE) + table.ljust(64, b"\0") + b"\x55\xaa")


def copy(file, out, at, size):
    length = file.stat().st_size
    if length > size:
        sys.exit(f"{file.name} is {length} bytes, its partition has {size}")
    out.seek(at)
    with file.open("rb") as source:
        while block := source.read(MIB):
            # Holes stay holes.
            if block.count(0) == len(block):
                out.seek(len(block), os.SEEK_CUR)
            else:
                out.write(block)


main()
