#!/usr/bin/env python3
"""Writes the licences of the crates that are part of kiosk, from 'cargo metadata' on standard input.

Each text once, below the names of the crates that carry it. A crate without a text of its own is named with what it
says its licence is.
"""

import json
import sys
from pathlib import Path

NAMES = ("licen", "copying", "notice", "unlicense")


def built_in(metadata):
    """The ids of what is compiled into crate device, without what only builds or tests it."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    found, left = set(), [i for i, package in packages.items() if package["name"] == "device"]
    while left:
        node = nodes[left.pop()]
        if node["id"] in found:
            continue
        found.add(node["id"])
        for dep in node["deps"]:
            macro = any("proc-macro" in target["kind"] for target in packages[dep["pkg"]]["targets"])
            if not macro and any(kind["kind"] is None for kind in dep["dep_kinds"]):
                left.append(dep["pkg"])
    return [packages[i] for i in found if packages[i]["source"]]


def texts(package):
    """The texts of licences in the crate's folder."""
    files = sorted(Path(package["manifest_path"]).parent.iterdir())
    files = [file for file in files if file.is_file() and file.name.lower().startswith(NAMES)]
    return [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]


def main():
    crates = sorted(built_in(json.load(sys.stdin)), key=lambda package: package["name"])
    if not crates:
        sys.exit("cargo metadata names no crates")
    print("kiosk is built from these crates:\n")
    users = {}
    for crate in crates:
        name = f"{crate['name']} {crate['version']}"
        print(f"{name}: {crate['license'] or 'see below'}; {crate['repository'] or 'no page'}")
        for text in texts(crate):
            users.setdefault(text, []).append(name)
    for text, names in users.items():
        print(f"\n{'=' * 78}\n{', '.join(names)}\n{'=' * 78}\n\n{text}")


main()
