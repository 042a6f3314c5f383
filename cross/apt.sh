# shellcheck shell=bash
# Sourced after scripts/env.sh: Debian packages unpacked into a folder of ours, for amd64 and arm64, without
# root and without changing what is installed.

apt_root=$cache/cross/apt

# private_apt PROGRAM…: apt-get or apt-cache with lists of its own. What is installed is only read.
private_apt() {
    APT_CONFIG=$apt_root/apt.conf "$1" -q "${@:2}"
}

# Writes the private settings, of the sources that this machine uses, and fetches the lists once a day.
set_up_private_apt() {
    command -v apt-get >/dev/null || return
    mkdir -p "$apt_root"/{lists/partial,archives/partial,parts}
    cat >"$apt_root/apt.conf" <<CONF
APT::Architecture "amd64"; APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User ""; APT::Install-Recommends "0"; Acquire::Languages "none"; Debug::NoLocking "1";
Acquire::Retries "1"; Acquire::http::Timeout "30"; Acquire::https::Timeout "30";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "0";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "0";
Dir::State::lists "$apt_root/lists"; Dir::Cache "$apt_root"; Dir::Cache::archives "$apt_root/archives";
Dir::Etc::sourcelist "$apt_root/sources.list"; Dir::Etc::sourceparts "$apt_root/parts";
CONF
    debian_sources >"$apt_root/sources.list"
    if [ ! -s "$apt_root/sources.list" ]; then
        say "no Debian among this machine's package sources"
        return 1
    fi
    if [ -z "$(find "$apt_root/updated" -mtime -1 2>/dev/null)" ]; then
        private_apt apt-get update >&2 && touch "$apt_root/updated"
    fi
}

# The Debian suites among this machine's package sources, one deb line each.
debian_sources() {
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg
    # shellcheck disable=SC2016 # apt fills them in
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk -v keys="$keys" '$4 == "Debian" { print "deb [signed-by=" keys "] " $1, $2, $3 }' | sort -u
}

# download FOLDER PACKAGE[:ARCHITECTURE][=VERSION]…: exactly these packages.
download() {
    mkdir -p "$1"
    (cd "$1" && private_apt apt-get download "${@:2}" >&2)
}

# download_with_needs FOLDER PACKAGE…: these and what they need, as far as it is not installed already.
download_with_needs() {
    mkdir -p "$1/partial"
    private_apt apt-get -o Dir::Cache::archives="$1" --yes --download-only install "${@:2}" >&2
    rm -rf "$1"/{partial,lock}
}

# unpack FROM FOLDER PROGRAM: the packages in FROM, which is removed. FOLDER appears only once it is whole, and
# FOLDER/PROGRAM runs usr/bin/PROGRAM with the libraries beside it.
unpack() {
    rm -rf "$2.part"
    local package
    for package in "$1"/*.deb; do
        dpkg -x "$package" "$2.part" || return
    done
    cat >"$2.part/$3" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH=$2/usr/lib/x86_64-linux-gnu:$2/lib/x86_64-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
exec $2/usr/bin/$3 "\$@"
WRAPPER
    chmod +x "$2.part/$3"
    rm -rf "$1" "$2"
    mv "$2.part" "$2"
}
