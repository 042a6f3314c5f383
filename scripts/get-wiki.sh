#!/usr/bin/env bash
# Usage: scripts/get-wiki.sh [--imdb] [--from FILE.tar] [--into DIR] [--accept-terms]
#
# Fetches the faces of IMDB-WIKI (Rothe, Timofte, Van Gool 2015), unpacks them into DIR and prints the
# command that reads them. A stopped download goes on where it was; what is there already is kept.
#
#   --imdb          IMDB's 460,723 faces (about 7 GB) instead of Wikipedia's 62,328 (about 0.8 GB)
#   --from FILE     a tar that you have already, instead of the download
#   --into DIR      ${XDG_CACHE_HOME:-~/.cache}/apparent/data unless given; must not hold others' work
#   --accept-terms  says that you have read the terms that the script prints, and keep to them
#
# The authors publish no checksums: the tar is read to its end and must hold wiki.mat (imdb.mat) and
# pictures, and nothing outside of its folder.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

name=wiki size='about 0.8 GB' kilobytes=850000 from='' into="$cache/data" accepted=''
while [ $# -gt 0 ]; do
    case "$1" in
    --imdb) name=imdb size='about 7 GB' kilobytes=7500000 && shift ;;
    --from) from=${2:?--from needs a file} && shift 2 ;;
    --into) into=${2:?--into needs a folder} && shift 2 ;;
    --accept-terms) accepted=yes && shift ;;
    *) usage_only "$@" ;;
    esac
done
url=https://data.vision.ee.ethz.ch/cvl/rrothe/imdb-wiki/static/${name}_crop.tar

cat >&2 <<TERMS
IMDB-WIKI: pictures of people, collected from IMDb and Wikipedia without asking them.

  - Its authors make it available for academic research only, not for commerce; the pictures belong to
    their photographers.
  - We ask you to publish none of them, to identify nobody by them, and to ship no weights trained on them.

The authors' own words: https://data.vision.ee.ethz.ch/cvl/rrothe/imdb-wiki
TERMS
[ -n "$accepted" ] || die "nothing was fetched; run again with --accept-terms if you keep to these terms"

next_step() {
    say "next:"
    echo "trainer index --mat $into/${name}_crop/$name.mat --out $into/$name.csv"
    echo "trainer clean --faces $into/$name.csv --out $into/$name-clean.csv"
}

# need_space KILOBYTES
need_space() {
    local free
    free=$(df --output=avail --block-size=1000 "$into" | tail -n 1)
    [ "$free" -ge "$1" ] || die "$into has $((free / 1000)) MB left, expected $(($1 / 1000)) MB or more"
}

# A tar ends in two blocks of zeros; one that is cut off between two files lists without an error.
has_end() {
    [ -s "$1" ] && [ "$(tail -c 1024 "$1" | tr -d '\0' | wc -c)" = 0 ]
}

download() {
    need curl curl
    tar=$into/${name}_crop.tar
    if [ ! -e "$tar" ]; then
        need_space $((2 * kilobytes))
        say "downloading $url ($size)"
        local status=0
        curl --fail --location --retry 5 --continue-at - --output "$tar.part" "$url" || status=$?
        case $status in
        0) ;;
        # The server cannot go on in the middle: from the beginning.
        33)
            rm -f "$tar.part"
            curl --fail --location --retry 5 --output "$tar.part" "$url" || die "cannot download $url"
            ;;
        # Refused: also what a server says that is asked for what follows the last byte.
        22) has_end "$tar.part" || die "$url is refused; bring the tar and use --from" ;;
        *) die "the download stopped; run the same command again to go on" ;;
        esac
        mv "$tar.part" "$tar"
    fi
}

# Refuses a tar that is cut off, leaves its folder, holds anything but files and folders, or is something else.
check() {
    local list=$1 kind rest
    tar --list --verbose --file "$tar" >"$list" 2>"$list.errors" ||
        die "$tar is no whole tar ($(head -n 1 "$list.errors")); remove it and run again"
    has_end "$tar" || die "$tar is cut off; remove it and run again"
    kind=$(cut -c 1 "$list" | sort -u | tr -d '\n')
    rest=$(tr -d d- <<<"$kind")
    [ -z "$rest" ] || die "$tar holds links or devices (kinds '$kind'), expected files and folders alone"
    tar --list --file "$tar" >"$list"
    ! grep -qE '^/|(^|/)\.\.(/|$)' "$list" || die "$tar holds paths that leave its folder"
    ! grep -qvE "^(\./)?${name}_crop(/|\$)" "$list" || die "$tar holds more than the folder ${name}_crop"
    grep -qE "^(\./)?${name}_crop/$name\.mat\$" "$list" || die "$tar holds no ${name}_crop/$name.mat"
    grep -qE '\.jpg$' "$list" || die "$tar holds no pictures"
    say "$(grep -cE '\.jpg$' "$list") pictures in $tar"
}

mkdir -p "$into"
into=$(cd "$into" && pwd)
if [ -e "$into/${name}_crop/$name.mat" ]; then
    say "$into/${name}_crop is there already"
    next_step
    exit
fi
work=$(mktemp -d "$into/.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ -n "$from" ]; then
    [ -f "$from" ] || die "$from: expected a tar file, found none"
    tar=$from
else
    download
fi
check "$work/list"
need_space $(($(stat --format %s "$tar") / 1000))
say "unpacking into $into"
tar --extract --file "$tar" --directory "$work" --no-same-owner --no-same-permissions --delay-directory-restore
chmod -R u+rwX "$work"
# The folder appears under its name only when it is whole.
[ ! -e "$into/${name}_crop" ] || die "$into/${name}_crop is there, but without $name.mat: remove it and run again"
mv "$work/${name}_crop" "$into/"
next_step
