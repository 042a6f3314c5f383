#!/usr/bin/env bash
# Usage: scripts/bench-index.sh [--rows N] [--runs N]
#
# Measures `trainer index --mat` on a look-alike of imdb.mat with as many rows as IMDB-WIKI has in both of
# its files, 523,051: all ten fields, made-up names (some not ASCII), empty cells, NaN and -inf, compressed
# by scipy. Prints a Markdown table: rows, seconds (median of 3 runs) and the peak of resident memory.
# Fails where that is above 1 GB or where a row is lost.
#
# Python, scipy 1.16 and the look-alike are kept in ${XDG_CACHE_HOME:-~/.cache}/apparent/bench-index
# (0.3 GB); making the look-alike takes minutes, once.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

rows=523051 runs=3
while [ $# -gt 0 ]; do
    case "$1" in
    --rows) rows=${2:?} && shift 2 ;;
    --runs) runs=${2:?} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done

work=$cache/bench-index
python=$work/venv/bin/python
if ! "$python" -c 'import scipy.io' 2>/dev/null; then
    need python3 python3
    python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv "python3 cannot make environments"
    say "installing scipy into $work/venv"
    mkdir -p "$work"
    python3 -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check 'scipy==1.16.*' >&2
fi

cd "$root"
scripts/setup.sh
if libtorch=$(scripts/setup-torch.sh --print); then
    LIBTORCH=$libtorch cargo build --workspace --locked --features host/torch
else
    cargo build --workspace --locked
fi

mat=$work/imdb-$rows.mat
if [ ! -e "$mat" ]; then
    say "making a look-alike of $rows rows"
    "$python" - "$mat.part" "$rows" <<'PY'
import sys
import numpy as np
import scipy.io

path, rows = sys.argv[1], int(sys.argv[2])
draw = np.random.default_rng(0)


def cells(values):
    array = np.empty((1, len(values)), dtype=object)
    array[0, :] = values
    return array


celebrities = max(rows // 23, 1)
celebrity = draw.integers(1, celebrities + 1, rows)
names = [f"{'Zoë Łukasz 山田'.split()[k % 3]} Person-{k}" for k in range(celebrities)]
birth = draw.integers(693962, 735000, rows)
taken = draw.integers(1930, 2016, rows)
score = draw.normal(3.5, 1.5, rows)
score[draw.random(rows) < 0.14] = -np.inf
second = draw.normal(2.5, 1.0, rows)
second[draw.random(rows) < 0.53] = np.nan
gender = draw.integers(0, 2, rows).astype(float)
gender[draw.random(rows) < 0.02] = np.nan
paths = [
    f"{k % 100:02d}/nm{celebrity[k]:07d}_rm{k:010d}_{birth[k] % 99 + 1900}-{k % 12 + 1}-{k % 28 + 1}_{taken[k]}.jpg"
    for k in range(rows)
]
places = [box for box in draw.uniform(1, 900, (rows, 1, 4))]
people = [names[k - 1] if at % 1000 else np.empty((0, 0)) for at, k in enumerate(celebrity)]
imdb = {
    "dob": birth.astype(np.int32).reshape(1, -1),
    "photo_taken": taken.astype(np.uint16).reshape(1, -1),
    "full_path": cells(paths),
    "gender": gender.reshape(1, -1),
    "name": cells(people),
    "face_location": np.empty((1, rows), dtype=object),
    "face_score": score.reshape(1, -1),
    "second_face_score": second.reshape(1, -1),
    "celeb_names": cells(names),
    "celeb_id": celebrity.astype(np.uint16).reshape(1, -1),
}
for at, place in enumerate(places):
    imdb["face_location"][0, at] = place
with open(path, "wb") as file:
    scipy.io.savemat(file, {"imdb": imdb}, do_compression=True, oned_as="row")
# `index` wants to see one picture at least.
open(path.removesuffix(".part") + ".first", "w").write(paths[0])
PY
    mv "$mat.part" "$mat"
fi

pictures=$(mktemp -d)
trap 'rm -rf "$pictures"' EXIT
first=$pictures/$(cat "$mat.first")
mkdir -p "$(dirname "$first")"
touch "$first"

"$python" - "$CARGO_TARGET_DIR/debug/trainer" "$mat" "$pictures" "$rows" "$runs" <<'PY'
import os
import resource
import statistics
import subprocess
import sys
import time

trainer, mat, pictures, rows, runs = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
out = f"{pictures}/faces.csv"
seconds = []
for _ in range(runs):
    begun = time.perf_counter()
    subprocess.run([trainer, "index", "--mat", mat, "--root", pictures, "--out", out], check=True)
    seconds.append(time.perf_counter() - begun)
peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
with open(out, "rb") as file:
    found = sum(1 for _ in file) - 1
size = os.path.getsize(mat) / 1e6
print("| file | rows | seconds | peak MB |\n|---|---|---|---|")
print(f"| {size:.0f} MB | {found:,} | {statistics.median(seconds):.1f} | {peak_mb:.0f} |")
if found != rows or peak_mb > 1000:
    sys.exit(f"bench-index: expected {rows:,} rows within 1000 MB")
PY
