#!/usr/bin/env bash
# Called by with_board_programs of cross/binfmt.sh in its namespaces: FOLDER REGISTRATION COMMAND… An empty REGISTRATION
# leaves the kernel as it is.
set -euo pipefail

# Only what is started after the users were mapped is root.
if [ "$3" != --mapped ]; then
    echo >"$1/yes"
    read -r _ <"$1/go"
    exec "$0" "$1" "$2" --mapped "${@:3}"
fi
mount -t proc proc /proc
if [ -n "$2" ]; then
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    printf %s "$2" >/proc/sys/fs/binfmt_misc/register
fi
exec "${@:4}"
