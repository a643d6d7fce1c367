#!/bin/bash
# setup.sh [SECTION...]
#
# Installs the Debian packages of packages.txt that are missing (sections: run, test,
# offline; "run" by default), and checks that there is a Go new enough to build Toji. Says
# what it does, and does nothing when all is there. Needs root, or sudo.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
readonly here createcluster=/etc/postgresql-common/createcluster.conf

die() {
	echo "setup: $*" >&2
	exit 1
}

# list_packages SECTION: the package names in that section of packages.txt.
list_packages() {
	local names
	names=$(sed 's/#.*//' "$here/packages.txt" | awk -v want="[$1]" '
		/^\[/ { in_section = ($1 == want); next }
		in_section && NF { print $1 }')
	[ -n "$names" ] || die "packages.txt has no section [$1]"
	echo "$names"
}

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# as_root COMMAND...
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# apt ARG...: apt-get that asks no questions, and leaves files alone that exist already (such
# as the createcluster.conf below).
apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Options::=--force-confold "$@"
}

# keep_postgres_quiet: Debian's package makes and starts a cluster on port 5432 when it gets
# installed. Toji runs its own, so that one would only be in the way.
keep_postgres_quiet() {
	if is_installed postgresql-common || [ -e "$createcluster" ]; then
		return
	fi
	echo "setup: $createcluster: create_main_cluster = false"
	as_root mkdir -p "${createcluster%/*}"
	echo 'create_main_cluster = false' | as_root tee "$createcluster" >/dev/null
}

# install PACKAGE...
install() {
	command -v apt-get >/dev/null || die "this is not Debian; install by hand what corresponds to: $*"
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "must be root, or have sudo, to install: $*"
	fi
	echo "setup: installing $*"
	keep_postgres_quiet
	local log
	log=$(mktemp)
	apt -qq update >"$log" 2>&1 || true # the lists that are there may do
	if ! apt -qq install -y --no-install-recommends "$@" >"$log" 2>&1; then
		grep '^E:' "$log" | tail -n 1 >&2 || tail -n 3 "$log" >&2
		die "could not install packages: is the Debian mirror within reach? All of apt's output is in $log"
	fi
	rm "$log"
}

install_missing() {
	local section package missing=()
	for section; do
		for package in $(list_packages "$section"); do
			is_installed "$package" || missing+=("$package")
		done
	done
	((${#missing[@]} == 0)) || install "${missing[@]}"
}

# check_go: go itself knows whether it satisfies a go.mod. One since 1.21 fetches the version
# that go.mod names through the module proxy, unless GOTOOLCHAIN=local.
check_go() {
	local wanted said
	wanted=$(sed -n 's/^go //p' "$here/temporal/go.mod")
	command -v go >/dev/null || die "Go $wanted or newer is missing (Debian's own is too old):" \
		"unpack one from https://go.dev/dl into /usr/local and put /usr/local/go/bin into PATH"
	said=$(cd "$here/temporal" && go list -m 2>&1) ||
		die "Go $wanted or newer is needed, and $(cd / && go env GOVERSION) cannot fetch it (GOTOOLCHAIN=$(cd / && go env GOTOOLCHAIN)): $said"
}

main() {
	[ $# -gt 0 ] || set -- run
	install_missing "$@"
	check_go
}

main "$@"
