"""Shrinks the pictures of unpacked Debian packages to JPEGs without faces, and writes backgrounds.csv.

Pictures of single things that are no faces become JPEGs of a folder for each kind, with decoys.csv."""

import argparse
import collections
import csv
import fnmatch
import glob
import re
import sys
import zlib
from pathlib import Path

import cv2
import licences
import numpy as np

LONGEST_PX, SHORTEST_PX, QUALITY = 640, 160, 90
DECOY_PX = 128
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".pgm", ".tif", ".tiff"}
# A drawing has areas of one colour: at most this share of neighbouring pixels may differ by less than 2 of 255.
FLAT_SHARE_MAX = 0.7
# Pictures whose 64-bit hashes of brightness steps (dHash) differ in no more bits are taken as one.
SAME_BITS_MAX = 5


def main():
    args = arguments()
    cv2.setNumThreads(1)
    excluded = [line.split(None, 2) for line in lines(args.excluded)]
    detector = cv2.FaceDetectorYN.create(str(args.detector), "", (640, 640), args.score, 0.3, 50)
    hashes, rows, counts = [], [], {}
    args.out.mkdir(parents=True, exist_ok=True)
    for line in lines(args.packages):
        package, *patterns = line.split()
        if not (args.unpacked / package).is_dir():
            continue
        count = counts[package] = collections.Counter()
        version, terms = read_package(args.unpacked / package)
        for idx, (source, bytes_) in enumerate(pictures(args.unpacked / package, patterns)):
            licence = terms.of(source)
            why, picture = judge(bytes_, licence, hashes, detector)
            if is_excluded(excluded, package, source):
                why = "excluded"
            count[why or "kept"] += 1
            if why is None:
                path = f"{package}-{idx}.jpg"
                cv2.imwrite(str(args.out / path), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
                rows.append((path, package, version, source, licence))
    write(args.out / "backgrounds.csv", rows)
    report(counts, rows)
    write(args.out / "decoys/decoys.csv", list(decoys(args)))


def decoys(args):
    """Cuts each thing of args.decoys out to the square that it fills; yields its row."""
    (args.out / "decoys").mkdir()
    for line in lines(args.decoys):
        package, kind, *patterns = line.split()
        if not (args.unpacked / package).is_dir():
            continue
        (args.out / "decoys" / kind).mkdir(exist_ok=True)
        version, terms = read_package(args.unpacked / package)
        for idx, (source, bytes_) in enumerate(pictures(args.unpacked / package, patterns)):
            picture = cv2.imdecode(np.frombuffer(bytes_, np.uint8), cv2.IMREAD_UNCHANGED)
            left, top, width, height = cv2.boundingRect((picture[:, :, 3] > 127).astype(np.uint8))
            thing, _ = flatten(picture[top : top + height, left : left + width], zlib.crc32(bytes_))
            square = cv2.resize(thing, (DECOY_PX, DECOY_PX), interpolation=cv2.INTER_AREA)
            path = f"{kind}/{package}-{idx}.jpg"
            cv2.imwrite(str(args.out / "decoys" / path), square, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            yield path, package, version, source, terms.of(source)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unpacked", type=Path, required=True)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--decoys", type=Path, required=True)
    parser.add_argument("--excluded", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--score", type=float, default=0.3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def lines(path):
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def read_package(folder):
    version = (folder / "version").read_text().strip()
    return version, licences.Licences(folder / "root/usr/share/doc" / folder.name / "copyright")


def pictures(folder, patterns):
    """Yields (path below the package's root, bytes) of each picture that the patterns name, sorted."""
    root = folder / "root"
    found = set()
    for pattern in patterns:
        for match in map(Path, glob.glob(str(root / pattern))):
            found.update(match.rglob("*") if match.is_dir() else [match])
    for path in sorted(found):
        source = str(path.relative_to(root))
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix == ".rcc":
            yield from carved(source, path.read_bytes())
        elif path.suffix.lower() in SUFFIXES:
            yield source, path.read_bytes()


def carved(source, archive):
    """Pictures in Qt's resource files: stored as they are, each after its length in 4 bytes."""
    for match in re.finditer(rb"RIFF....WEBPVP8|\xff\xd8\xff|\x89PNG\r\n", archive, re.DOTALL):
        start = match.start()
        length = int.from_bytes(archive[max(start - 4, 0) : start], "big")
        if 1000 < length <= len(archive) - start:
            yield f"{source}#{start}", archive[start : start + length]


def judge(bytes_, licence, hashes, detector):
    """Why a picture is dropped, or None; and the picture, shrunk: [height, width, 3], BGR."""
    if licences.forbids_change(licence):
        return "licence", None
    picture = cv2.imdecode(np.frombuffer(bytes_, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        return "unread", None
    picture, seen = flatten(picture, zlib.crc32(bytes_))
    picture, seen = shrink(picture), shrink(seen)
    if min(picture.shape[:2]) < SHORTEST_PX:
        return "small", None
    if flat_share(picture, seen) > FLAT_SHARE_MAX:
        return "drawing", None
    hash_ = steps_hash(picture)
    if any((hash_ ^ other).bit_count() <= SAME_BITS_MAX for other in hashes):
        return "twin", None
    hashes.append(hash_)
    if shows_face(detector, picture):
        return "face", None
    return None, picture


def flatten(picture, seed):
    """Puts what is transparent on one colour; tells which pixels are of the picture itself."""
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[2] == 3:
        return picture, np.full(picture.shape[:2], 255, np.uint8)
    alpha = picture[:, :, 3:].astype(np.float32) / 255
    colour = np.random.default_rng(seed).integers(30, 226, 3)
    over = picture[:, :, :3] * alpha + colour * (1 - alpha)
    return np.round(over).astype(np.uint8), picture[:, :, 3].copy()


def shrink(picture):
    scale = LONGEST_PX / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def flat_share(picture, seen):
    steps = np.abs(np.diff(picture.astype(np.int16), axis=1)).max(axis=2)
    inside = (seen[:, 1:] > 250) & (seen[:, :-1] > 250)
    return 1.0 if inside.sum() < 5000 else float((steps[inside] < 2).mean())


def steps_hash(picture):
    """dHash (Krawetz 2013): is each of 8 x 8 cells brighter than its left neighbour?"""
    cells = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = (cells[:, 1:] > cells[:, :-1]).flatten()
    return int("".join("01"[int(bit)] for bit in bits), 2)


def shows_face(detector, picture):
    """Whether YuNet finds a face, in the picture as it is or halved, where the largest faces fit its anchors."""
    for scale in (1.0, 0.5):
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        frame = np.zeros((640, 640, 3), np.uint8)
        frame[: small.shape[0], : small.shape[1]] = small
        if detector.detect(frame)[1] is not None:
            return True
    return False


def is_excluded(excluded, package, source):
    return any(p == package and fnmatch.fnmatch(source, pattern) for p, pattern, _ in excluded)


def write(path, rows):
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("path", "package", "version", "source", "licence"))
        table.writerows(rows)


def report(counts, rows):
    names = ("kept", "face", "twin", "drawing", "small", "excluded", "licence", "unread")
    total = sum(counts.values(), collections.Counter())
    print(f"{'package':34}" + "".join(f"{name:>9}" for name in names))
    for package, count in [*counts.items(), ("all", total)]:
        print(f"{package:34}" + "".join(f"{count[name]:9}" for name in names))
    for licence, number in collections.Counter(row[4] for row in rows).most_common():
        print(f"{number:6} {licence}")


if __name__ == "__main__":
    sys.exit(main())
