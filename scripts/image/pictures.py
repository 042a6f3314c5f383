"""Usage: pictures.py FOLDER: of face.ppm there makes face.png, face.yuyv and nobody.yuyv."""

import sys
from pathlib import Path

from guest import read_ppm, write_png

WIDTH, HEIGHT = 1280, 720


def fit(width, height, rgb):
    """As large as fits, in the middle of a grey frame; by the nearest pixel, which is enough for a face."""
    scale = min(WIDTH / width, HEIGHT / height)
    wide, high = int(width * scale), int(height * scale)
    left, top = (WIDTH - wide) // 2, (HEIGHT - high) // 2
    out = bytearray(b"\x80" * (3 * WIDTH * HEIGHT))
    columns = [3 * int(x / scale) for x in range(wide)]
    for y in range(high):
        row = 3 * width * int(y / scale)
        line = b"".join(rgb[row + x:row + x + 3] for x in columns)
        begin = 3 * ((top + y) * WIDTH + left)
        out[begin:begin + len(line)] = line
    return bytes(out)


def yuyv(rgb):
    """ITU-R BT.601 in limited range, as cameras send it; colour of the first of each two pixels."""
    out = bytearray()
    for at in range(0, len(rgb), 6):
        r, g, b, r2, g2, b2 = rgb[at:at + 6]
        out += bytes((16 + (66 * r + 129 * g + 25 * b + 128 >> 8), 128 + (-38 * r - 74 * g + 112 * b + 128 >> 8),
                      16 + (66 * r2 + 129 * g2 + 25 * b2 + 128 >> 8), 128 + (112 * r - 94 * g - 18 * b + 128 >> 8)))
    return bytes(out)


def main():
    folder = Path(sys.argv[1])
    width, height, rgb = read_ppm(folder / "face.ppm")
    write_png(folder / "face.png", width, height, rgb)
    (folder / "face.yuyv").write_bytes(yuyv(fit(width, height, rgb)))
    (folder / "nobody.yuyv").write_bytes(yuyv(b"\x80" * (3 * WIDTH * HEIGHT)))


main()
