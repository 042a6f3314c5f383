#!/usr/bin/env bash
# zig as cargo-zigbuild calls it, linking with functions folded that are the same to the byte: Rust's generics leave
# thousands, 0.8 MB of kiosk. zig's linker is LLD, which can, but `zig cc` takes no --icf. So what it has linked is
# linked once more by the same LLD with the same arguments, which ZIG_VERBOSE_LINK makes it print. LLD leaves alone
# what has a table of its own for unwinding. zig lies below the folder that this is installed into: nothing is said by
# the environment, since cargo-zigbuild writes what it is to call into one file for all checkouts and builds.
set -euo pipefail

zig=$(compgen -G "$(dirname "$0")/lib/python3*/site-packages/ziglang/zig")
linking=
[ "${1:-}" != cc ] || linking=$(printf '%s\n' "$@" | grep -cxE -- '-o|@.*' || true)
case " $* " in *' -c '* | *' -v '*) linking=0 ;; esac
[ "${linking:-0}" != 0 ] || exec "$zig" "$@"

said=$(ZIG_VERBOSE_LINK=1 "$zig" "$@" 2>&1) || {
    printf '%s\n' "$said" >&2
    exit 1
}
grep -vE '^(ld\.lld|ar) ' <<<"$said" >&2 || true
# The first time, zig links the stubs of GLIBC and what starts a program as well, before the program.
read -ra linked < <(grep '^ld\.lld ' <<<"$said" | tail -n 1) || exit 0
exec "$zig" ld.lld "${linked[@]:1}" --icf=all
