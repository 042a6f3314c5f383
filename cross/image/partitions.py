"""Usage: partitions.py IMAGE: of each partition in its table (MBR), TYPE in hexadecimal, START and SIZE in bytes."""

import struct
import sys

SECTOR = 512


def main():
    with open(sys.argv[1], "rb") as image:
        table = image.read(SECTOR)
    if table[510:] != b"\x55\xaa":
        sys.exit(f"{sys.argv[1]} has no table of partitions")
    for at in range(446, 510, 16):
        kind, start, size = struct.unpack("<4xB3xII", table[at:at + 16])
        if kind:
            print(f"{kind:02x} {start * SECTOR} {size * SECTOR}")


main()
