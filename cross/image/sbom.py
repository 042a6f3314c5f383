"""Usage: sbom.py NAME VERSION PACKAGES… < crates

Prints the list of an image's parts as CycloneDX 1.5: the Debian packages in the folders PACKAGES, as they say themselves,
and the crates of the kiosk, of which standard input has one a line: 'NAME vVERSION…|LICENCE'."""

import json
import subprocess
import sys
from pathlib import Path


def debian(file):
    shown = subprocess.run(["dpkg-deb", "--show", "--showformat", "${Package}|${Version}|${Architecture}|${Homepage}", file],
                           check=True, capture_output=True, text=True).stdout
    name, version, architecture, homepage = shown.split("|", 3)
    part = {"type": "library", "name": name, "version": version,
            "purl": f"pkg:deb/debian/{name}@{version}?arch={architecture}"}
    if homepage:
        part["externalReferences"] = [{"type": "website", "url": homepage}]
    return part


def crate(line):
    name, _, licence = line.partition("|")
    name, version = name.split()[:2]
    version = version.removeprefix("v")
    part = {"type": "library", "name": name, "version": version, "purl": f"pkg:cargo/{name}@{version}"}
    if licence.strip():
        part["licenses"] = [{"expression": licence.strip().replace("/", " OR ")}]
    return part


def main():
    name, version, *folders = sys.argv[1:]
    parts = [debian(file) for folder in folders for file in sorted(Path(folder).glob("*.deb"))]
    parts += [crate(line) for line in sorted(set(sys.stdin.read().splitlines())) if line.strip()]
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
           "metadata": {"component": {"type": "firmware", "name": name, "version": version}}, "components": parts}
    print(json.dumps(bom, indent=1, ensure_ascii=False))


main()
