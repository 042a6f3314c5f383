#!/usr/bin/env bash
# Usage: scripts/bench-board.sh USER@HOST [OPTIONS]
#
# Measures kiosk on a board over ssh: copies program, bundles and pictures into a fresh temporary folder
# there, runs `kiosk bench` with 1, 2, … threads up to the number of cores, runs onnxruntime on the same
# networks where pip installs it, brings the JSON back into runs/boards/HOST-TIME/ and adds a row for each
# bundle to docs/boards.md. The folder on the board is removed at the end, also after Ctrl-C.
#
#   --kiosk FILE         the program for the board; without it scripts/cross-build.sh makes one for 64-bit ARM
#   --bundle DIR         a bundle to measure; may be given again (default: models/bundles/compact)
#   --picture FILE       a picture to measure with; may be given again (default: the portrait in the program)
#   --minutes N          for all measurements together (default: 10)
#   --peer-network FILE  another ONNX network for onnxruntime, such as a bundle's u8 twin; may be given again
#   --no-peers           leaves onnxruntime out
#   --ssh-config FILE    as of `ssh -F`: port, key and so on; without it the user's own
#   --out DIR            where the JSON goes, instead of runs/boards/HOST-TIME
#   --table FILE         where the rows go, instead of docs/boards.md
#
# The frequency governor is set to performance and put back at the end where root or `sudo -n` may do that;
# else it is left as it is, and the results say so. The board needs sh and tar, for the peers python3 with venv.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

case "${1:-}" in '' | -*) usage_only "${1:--}" ;; esac
board=$1
shift
kiosk='' minutes=10 peers=yes out='' table=$root/docs/boards.md
bundles=() pictures=() networks=() ssh_options=(-o BatchMode=yes)
while [ $# -gt 0 ]; do
    case "$1" in
    --kiosk) kiosk=${2:?} && shift 2 ;;
    --bundle) bundles+=("${2:?}") && shift 2 ;;
    --picture) pictures+=("${2:?}") && shift 2 ;;
    --minutes) minutes=${2:?} && shift 2 ;;
    --peer-network) networks+=("${2:?}") && shift 2 ;;
    --no-peers) peers='' && shift ;;
    --ssh-config) ssh_options+=(-F "${2:?}") && shift 2 ;;
    --out) out=${2:?} && shift 2 ;;
    --table) table=${2:?} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ ${#bundles[@]} -gt 0 ] || bundles=("$root/models/bundles/compact")
for bundle in "${bundles[@]}"; do
    [ -f "$bundle/model.toml" ] || die "$bundle holds no model.toml, expected a bundle"
done
for file in ${kiosk:+"$kiosk"} "${pictures[@]}" "${networks[@]}"; do
    [ -f "$file" ] || die "$file is no file"
done
[[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "--minutes is $minutes, expected a number"
need ssh openssh-client
need python3 python3

on_board() {
    # shellcheck disable=SC2029 # what is ours is filled in here
    ssh "${ssh_options[@]}" "$board" "$@"
}

# remote WORD…: quoted once more, for the shell on the board.
remote() {
    on_board "$(printf '%q ' "$@")"
}

if [ -z "$kiosk" ]; then
    machine=$(on_board uname -m)
    [ "$machine" = aarch64 ] || die "$board is $machine; name a program for it with --kiosk FILE"
    kiosk=$("$root/scripts/cross-build.sh" | tail -n 1)
fi

there=''
clean_up() {
    trap '' INT TERM
    if [ -n "$there" ]; then
        on_board "sh $there/board.sh end" || say "could not tidy up on $board: look at $there there"
    fi
    rm -rf "$here"
}
here=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What runs on the board itself, in plain sh.
cat >"$here/board.sh" <<'SH'
# Usage: sh board.sh run COMMAND… | performance | end
cd "$(dirname "$0")" || exit
cpufreq=${APPARENT_CPUFREQ:-/sys/devices/system/cpu/cpufreq} # elsewhere only to try this script
as_root=''
[ "$(id -u)" = 0 ] || as_root='sudo -n'
set_governor() { echo "$2" | $as_root tee "$1" >/dev/null 2>&1; }
case "$1" in
run) # leaves the number of the process, so that `end` can stop it
    shift
    "$@" &
    echo $! >pid
    wait $!
    status=$?
    rm -f pid
    exit $status
    ;;
performance)
    for file in "$cpufreq"/policy*/scaling_governor; do
        [ -e "$file" ] || { echo "there is no frequency governor here" && exit; }
        was=$(cat "$file")
        [ "$was" != performance ] || continue
        if set_governor "$file" performance; then
            echo "$file $was" >>governors
        else
            echo "the governor $was is left as it is: root or 'sudo -n' is needed to change it"
        fi
    done
    ;;
end)
    [ ! -e pid ] || kill "$(cat pid)" 2>/dev/null
    failed=''
    if [ -e governors ]; then
        while read -r file was; do
            set_governor "$file" "$was" || failed=yes
        done <governors
    fi
    [ -z "$failed" ] || { echo "the governors could not be put back; they are in $PWD/governors" && exit 1; }
    rm -rf "$PWD"
    ;;
esac
SH

say "copying to $board"
cp "$root/scripts/bench-board-peer.py" "$here/"
cp "$kiosk" "$here/kiosk"
chmod +x "$here/kiosk"
mkdir "$here/bundles" "$here/pictures" "$here/networks" "$here/results"
names=()
for bundle in "${bundles[@]}"; do
    name=$(basename "$(cd "$bundle" && pwd)")
    [ ! -e "$here/bundles/$name" ] || die "two bundles are called $name"
    cp -rL "$bundle" "$here/bundles/$name"
    names+=("$name")
done
for file in "${pictures[@]}"; do cp "$file" "$here/pictures/"; done
for file in "${networks[@]}"; do cp "$file" "$here/networks/"; done
there=$(on_board 'mktemp -d /tmp/apparent-bench.XXXXXX')
tar -C "$here" -cf - . | on_board "tar -C $there -xf -"

cores=$(on_board "nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo")
on_board "$there/kiosk --version" >/dev/null || die "the program does not run on $board"
with=''
if [ -n "$peers" ]; then
    say "installing onnxruntime on $board"
    if on_board "cd $there && python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check onnxruntime numpy" >&2; then
        with=yes
    else
        say "python3, venv or onnxruntime is not to be had on $board: peers are left out"
    fi
fi
on_board "sh $there/board.sh performance" >&2

# Two measurements of ours for each bundle and number of threads, and one of each of the peer's networks.
runs=$((cores * ${#names[@]} * 2))
[ -z "$with" ] || runs=$((runs + cores * (${#names[@]} + ${#networks[@]})))
seconds=$(awk -v all="$minutes" -v runs="$runs" 'BEGIN { printf "%.2f", all * 60 / runs }')
say "$runs measurements of $seconds seconds"

bench() {
    remote sh "$there/board.sh" run "$there/kiosk" bench --duration "$seconds" --detector embedded "$@" >&2
}
# peer NETWORK NAME THREADS
peer() {
    remote sh "$there/board.sh" run "$there/venv/bin/python" "$there/bench-board-peer.py" \
        --threads "$3" --seconds "$seconds" --json "$there/results/$2-onnxruntime-$3.json" "$there/$1" >&2 ||
        say "onnxruntime does not run $2: left out"
}
for threads in $(seq "$cores"); do
    for name in "${names[@]}"; do
        say "$name, threads: $threads of $cores"
        result=$there/results/$name
        paths=()
        [ ${#pictures[@]} -eq 0 ] || paths=("$there/pictures")
        bench --bundle "$there/bundles/$name" --threads "$threads" --json "$result-kiosk-$threads.json" "${paths[@]}"
        bench --bundle "$there/bundles/$name" --threads "$threads" --json "$result-network-$threads.json" --network
        [ -z "$with" ] || peer "bundles/$name/$(cd "$here/bundles/$name" && echo ./*.onnx)" "$name" "$threads"
    done
    for file in "${networks[@]}"; do
        name=$(basename "$file")
        [ -z "$with" ] || peer "networks/$name" "${name%.onnx}" "$threads"
    done
done

out=${out:-$root/runs/boards/${board#*@}-$(date -u +%Y%m%dT%H%M%SZ)}
mkdir -p "$out"
on_board "tar -C $there/results -cf - ." | tar -C "$out" -xf -
python3 "$root/scripts/bench-board-row.py" "$out" "$table" "${names[@]}"
say "results are in $out, rows in $table"
