"""Figures out of what was measured: ratios, tables, bounds."""

import statistics

# What each figure may be at most.
BOUNDS = {
    "vgg-two: CPU, ours int8 ÷ tract-int8": 0.17,
    "vgg-two: CPU, ours int8 ÷ onnxruntime-int8": 1.35,
    "vgg-two: CPU, ours int8 ÷ ncnn-f32": 0.70,
    "vgg-two: CPU, ours int8 ÷ onnxruntime-f32": 0.37,
    "vgg-two: wall, two threads ÷ one": 0.58,
    "vgg-two: resident growth ÷ file": 1.7,
    "vgg-two: resident peak ÷ file": 2.5,
    "vgg-face: resident growth ÷ file": 1.7,
    "vgg-face: resident peak ÷ file": 2.5,
    "vgg-face: load to first answer, s": 2.0,
    "compact: CPU, ours int8 ÷ onnxruntime-int8": 1.3,
}

# Of the machine, while the engines took turns.
OTHERS_SHARE_MAX = 0.05


def ratio(first, second, clock):
    """The median of the rounds' ratios: what slows a whole round down slows both."""
    return statistics.median(a / b for a, b in zip(first[clock], second[clock], strict=True))


def find(cells, engine, threads):
    return next(cell for cell in cells if (cell["engine"], cell["threads"]) == (engine, threads))


def scaling(phases, engine):
    """Wall time at two threads ÷ at one.

    Both phases hold ours at one thread: by how that moved, the others' is corrected.
    """
    one, two = phases
    alone = ratio(find(one, engine, 1), find(one, "ours-int8", 1), "wall_ms")
    return ratio(find(two, engine, 2), find(two, "ours-int8", 1), "wall_ms") / alone


def growth_kib(cell):
    """What the process holds after its last run, less what it held before loading."""
    return cell["resident_kib"]["after"] - cell["resident_kib"]["before"]


def figures(nets):
    """Every figure of our int8, by its name."""
    found = {}
    for net in nets:
        name, (one, _) = net["net"], net["phases"]
        ours = find(one, "ours-int8", 1)
        for cell in one[1:]:
            found[f"{name}: CPU, ours int8 ÷ {cell['engine']}"] = ratio(ours, cell, "cpu_ms")
        found[f"{name}: wall, two threads ÷ one"] = scaling(net["phases"], "ours-int8")
        file_kib = net["int8_bytes"] / 1024
        found[f"{name}: resident growth ÷ file"] = growth_kib(ours) / file_kib
        found[f"{name}: resident peak ÷ file"] = ours["resident_kib"]["peak"] / file_kib
        found[f"{name}: load to first answer, s"] = ours["load_to_answer_ms"] / 1e3
    return found


def broken_bounds(found):
    """A line for each figure above its bound."""
    return [
        f"{name} is {found[name]:.3g}, expected at most {most}"
        for name, most in BOUNDS.items()
        if name in found and found[name] > most
    ]


def markdown(found):
    machine, cells = found["machine"], found["nets"][0]["phases"][0]
    versions = ", ".join(f"{cell['engine']} {cell['version']}" for cell in cells)
    others_share = max(net["others_share"] for net in found["nets"])
    text = (
        f"{machine['cores']} cores, {machine['cpu']}, {found['date']}. Ratios below 1: ours is faster; medians "
        f"of the ratios of {len(cells[0]['cpu_ms'])} rounds. Others took {others_share:.0%} of the machine. "
        f"Versions: {versions}."
    )
    if others_share > OTHERS_SHARE_MAX:
        text += " **The machine was not quiet: these figures are not to be trusted.**"
    return "\n\n".join([*map(table, found["nets"]), text, bounds(found["figures"])])


def table(net):
    one, two = net["phases"]
    lines = [
        f"{net['net']}, int8 file {net['int8_bytes'] / 1e6:.1f} MB",
        "",
        "| engine | CPU ms, 1 thread | ours int8 ÷ it | wall ms, 2 threads | ours int8 ÷ it "
        "| 2 threads ÷ 1, wall | load to answer, s | resident growth, MiB | peak, MiB | Δ probability |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [row(net["phases"], cell, find(two, cell["engine"], 2)) for cell in one]
    return "\n".join(lines)


def row(phases, single, double):
    one, two = phases
    values = [
        f"{statistics.median(single['cpu_ms']):.4g}",
        f"{ratio(find(one, 'ours-int8', 1), single, 'cpu_ms'):.2f}",
        f"{statistics.median(double['wall_ms']):.4g}",
        f"{ratio(find(two, 'ours-int8', 2), double, 'wall_ms'):.2f}",
        f"{scaling(phases, single['engine']):.2f}",
        f"{single['load_to_answer_ms'] / 1e3:.2f}",
        f"{growth_kib(single) / 1024:.0f}",
        f"{single['resident_kib']['peak'] / 1024:.0f}",
        f"{single['probability_distance']:.0e}",
    ]
    return f"| {single['engine']} | " + " | ".join(values) + " |"


def bounds(found):
    lines = ["| figure | found | at most |", "|---|---|---|"]
    lines += [f"| {name} | {found[name]:.3g} | {most} |" for name, most in BOUNDS.items() if name in found]
    return "\n".join(lines)
