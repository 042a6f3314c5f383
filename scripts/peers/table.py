"""The comparison as a table: every figure with its bootstrap 95 % interval, scored as `trainer eval` does."""

from dataclasses import dataclass

import numpy as np

# The first year of each of FairFace's nine bins.
BINS = np.array([0, 3, 10, 20, 30, 40, 50, 60, 70])
RESAMPLES = 1000


@dataclass
class Set:
    name: str
    faces: list
    # Name, licence and answers of each net, ours first.
    answers: list


@dataclass
class Column:
    name: str
    digits: int
    # The larger, the better; or the smaller.
    sign: int
    # One number a face.
    values: np.ndarray
    # Whether ours must be ahead in it.
    bound: bool = True

    def figure(self):
        mean = self.values.mean()
        draws = np.random.default_rng(0).integers(0, len(self.values), (RESAMPLES, len(self.values)))
        low, high = np.percentile(self.values[draws].mean(axis=1), [2.5, 97.5])
        return mean, low, high

    def cell(self):
        return "{:.{d}f} ({:.{d}f}–{:.{d}f})".format(*self.figure(), d=self.digits)


def columns(faces, answers):
    """What is scored: a face that was not found is wrong, and in years as the set's median age."""
    low, high = np.array([(face.age_lo, face.age_hi) for face in faces], float).T
    median = np.median((low + high) / 2)
    years = np.array([median if said is None else said[0] for said in answers])
    found = np.array([said is not None for said in answers])
    off = np.abs(bin_of(years) - bin_of((low + high) / 2))
    woman = np.array([said is not None and said[1] >= 0.5 for said in answers])
    right = found & (woman == np.array([face.gender == "F" for face in faces]))
    exact = (low == high).all()
    # Where ages are exact, the error in years tells more than the bins that they fall into.
    scored = [
        Column("age bin (of 9)", 3, 1, found & (off == 0), not exact),
        Column("within ±1 bin", 3, 1, found & (off <= 1), not exact),
    ]
    if exact:
        scored.append(Column("MAE, years", 2, -1, np.abs(years - low)))
    return [*scored, Column("predicted gender", 3, 1, right)]


def bin_of(years):
    """Rounded half up, as `trainer eval` rounds."""
    return np.searchsorted(BINS, np.floor(np.asarray(years) + 0.5), side="right") - 1


def markdown(sets):
    return "\n\n".join(one(each) for each in sets)


def one(each):
    scored = [(name, licence, columns(each.faces, said)) for name, licence, said in each.answers]
    heads = ["net", *(column.name for column in scored[0][2]), "licence"]
    lines = [f"{each.name} ({len(each.faces)} faces)", "", row(heads), row(["---"] * len(heads))]
    for name, licence, found in scored:
        bold = f"**{name}**" if name == "ours" else name
        lines.append(row([bold, *(column.cell() for column in found), licence or "–"]))
    return "\n".join(lines)


def row(cells):
    return f"| {' | '.join(cells)} |"


def behind(sets):
    """Each bound column in which a peer is ahead of ours; not face-api, which may know the test faces."""
    lines = []
    for each in sets:
        ours = columns(each.faces, each.answers[0][2])
        for name, _, said in each.answers[1:]:
            if name == "face-api":
                continue
            for mine, theirs in zip(ours, columns(each.faces, said)):
                if mine.bound and mine.values.mean() * mine.sign <= theirs.values.mean() * mine.sign:
                    lines.append(f"{each.name}, {mine.name}: {name} has {theirs.cell()}, ours {mine.cell()}")
    return lines
