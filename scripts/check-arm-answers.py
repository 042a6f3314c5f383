#!/usr/bin/env python3
"""Compares what 'kiosk analyze --json' said of the same pictures on two machines: HERE THERE AGE_YEARS_MAX.

Prints the largest difference of each kind of figure. Fails where an apparent age differs by more than AGE_YEARS_MAX,
or where faces, words or anything else that is no fraction differs at all.
"""

import json
import sys


def compare(here, there, key, largest):
    """Puts the largest differences of floats below `here` and `there` into `largest`, by their key."""
    if isinstance(here, float) and isinstance(there, (int, float)) or isinstance(there, float):
        largest[key] = max(largest.get(key, 0.0), abs(here - there))
    elif isinstance(here, dict) and isinstance(there, dict) and here.keys() == there.keys():
        for name in here:
            compare(here[name], there[name], name, largest)
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for one, other in zip(here, there):
            compare(one, other, key, largest)
    elif here != there:
        sys.exit(f"{key} differs: {here} and {there}")


def read(path):
    """The answers in a file, without how long they took."""
    with open(path, encoding="utf-8") as lines:
        return [{k: v for k, v in json.loads(line).items() if k != "timing_ms"} for line in lines]


def main():
    here, there = (read(path) for path in sys.argv[1:3])
    age_years_max, largest = float(sys.argv[3]), {}
    compare(here, there, "pictures", largest)
    faces = sum(len(picture["faces"]) for picture in here)
    if not faces:
        sys.exit("no faces were found, so nothing was compared")
    same = "byte for byte the same" if here == there else "largest differences"
    told = ", ".join(f"{key} {value:.3g}" for key, value in sorted(largest.items()))
    print(f"{len(here)} pictures, {faces} faces, {same}: {told}")
    if largest["apparent_age_years"] > age_years_max:
        sys.exit(f"apparent ages differ by {largest['apparent_age_years']} years, expected at most {age_years_max}")


main()
