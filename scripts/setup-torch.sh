#!/usr/bin/env bash
# Usage: scripts/setup-torch.sh [--cuda] [--print]
#
# Sets up libtorch 2.11.0, which only training needs (feature `torch` of crate `host`), and prints its
# path for LIBTORCH. It lies in ${XDG_CACHE_HOME:-~/.cache}/apparent/torch: 1.2 GB, of which 527 MB are
# downloaded once. A LIBTORCH that is set already and holds a libtorch is kept.
#
#   --cuda   with everything that a GPU needs: 4.7 GB, in ${XDG_CACHE_HOME:-~/.cache}/apparent/torch-cuda;
#            the trainer then finds CUDA when it runs (`trainer doctor --device cuda` tells)
#   --print  only print the path; status 1 where nothing is set up
#
# On x86-64 Linux. Elsewhere (aarch64, macOS; status 3) install PyTorch 2.11.0 as https://pytorch.org says and set
# LIBTORCH to its folder: python3 -c 'import torch; print(torch.__path__[0])'
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

torch=2.11.0
venv="$cache/torch"
parts=(nvidia_cuda_runtime nvidia_cuda_cupti)
if [ "${1:-}" = --cuda ]; then
    shift
    venv="$cache/torch-cuda"
    parts+=(nvidia_cudnn_cu13 nvidia_cublas nvidia_nccl_cu13)
fi

# The path of a libtorch that is complete: pip writes RECORD last.
find_torch() {
    if [ -e "${LIBTORCH:-/nowhere}/lib/libtorch_cpu.so" ] || [ -e "${LIBTORCH:-/nowhere}/lib/libtorch_cpu.dylib" ]; then
        echo "$LIBTORCH"
        return
    fi
    local site
    for site in "$venv"/lib/python3.*/site-packages; do
        [ -e "$site/torch/lib/libtorch_cpu.so" ] || continue
        [ -e "$site/torch-$torch.dist-info/RECORD" ] || continue
        local part
        for part in "${parts[@]}"; do
            compgen -G "$site/$part-*.dist-info/RECORD" >/dev/null || continue 2
        done
        echo "$site/torch"
        return
    done
    return 1
}

install_torch() {
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        say "no set-up for $(uname -s) on $(uname -m); scripts/setup-torch.sh -h says what to do instead"
        exit 3
    fi
    need python3 python3
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        die "python3 is $(python3 --version | cut -d' ' -f2), torch $torch expects 3.10 or newer"
    python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv "python3 cannot make environments"
    say "downloading torch $torch into $venv"
    python3 -m venv --clear "$venv"
    if [ "$venv" = "$cache/torch-cuda" ]; then
        "$venv/bin/pip" install --quiet --disable-pip-version-check "torch==$torch" >&2
        return
    fi
    # Without its dependencies: the CPU needs only two of the CUDA libraries that the wheel is linked with.
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "torch==$torch" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'cuda-toolkit[cudart,cupti]==13.0.2' >&2
}

case "${1:-}" in
--print)
    find_torch
    exit
    ;;
*) usage_only "$@" ;;
esac
find_torch && exit
install_torch
find_torch || die "torch $torch was installed into $venv, but libtorch_cpu.so is not where it was expected"
