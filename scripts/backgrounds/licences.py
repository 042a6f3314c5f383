"""Which licence a package's debian/copyright gives a file, as far as a program can tell."""

import fnmatch
import re

# Names to look for where the file is not in the format of Debian's copyright-format/1.0.
KNOWN = (
    ("CC-BY-SA", r"CC.BY.SA|Creative Commons Attribution.Share"),
    ("CC-BY", r"CC.BY|Creative Commons Attribution"),
    ("CC0", r"\bCC0\b"),
    ("GFDL", r"GFDL|Free Documentation License"),
    ("LGPL", r"LGPL|Lesser General Public"),
    ("GPL", r"GPL|GNU General Public"),
    ("Apache-2.0", r"Apache License"),
    ("BSD", r"\bBSD\b"),
    ("ImageMagick", r"ImageMagick Studio"),
    ("MIT", r"\bMIT\b|Permission is hereby granted, free of charge"),
    ("public-domain", r"public domain"),
)


class Licences:
    """The stanzas of one debian/copyright."""

    def __init__(self, path):
        text = path.read_text(errors="replace") if path.exists() else ""
        self.stanzas = []
        if re.match(r"\s*Format:", text):
            self.stanzas = [stanza for stanza in map(files_and_licence, re.split(r"\n\s*\n", text)) if stanza]
        self.guess = "+".join(name for name, pattern in KNOWN if re.search(pattern, text, re.I)) or "unknown"

    def of(self, source):
        """A short name: that of the last stanza which names the file; the package's own where none does.

        A stanza names the file in the sources, which is installed under another folder: the longest
        end of the installed path that the pattern matches counts.
        """
        found = None
        for patterns, licence in self.stanzas:
            if any(names(pattern, source) for pattern in patterns):
                found = licence
        return found or self.guess


def files_and_licence(stanza):
    files = re.search(r"^Files:((?:.*\n?)(?:[ \t].*\n?)*)", stanza, re.M)
    licence = re.search(r"^License:[ \t]*(.*)", stanza, re.M)
    if not files or not licence:
        return None
    return files.group(1).replace(",", " ").split(), licence.group(1).strip() or "unnamed"


def names(pattern, source):
    parts = source.split("#")[0].split("/")
    tails = ("/".join(parts[at:]) for at in range(len(parts)))
    return pattern == "*" or any(fnmatch.fnmatchcase(tail, pattern) for tail in tails)


def forbids_change(licence):
    """Of Debian's main archive none should; non-commercial licences count too."""
    return re.search(r"\bND\b|NoDeriv|\bNC\b|NonCommercial|non-free", licence, re.I) is not None
