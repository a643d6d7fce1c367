#!/bin/bash
# demo.sh
#
# Shows Toji at work on this machine, from the source tree: installs what is missing, compiles
# the programs, makes a small distribution to build with, starts PostgreSQL, Temporal, a hub and
# a builder, and builds a C package from its source RPM. Everything lies in .demo/, on free
# ports; the next run goes on there and takes seconds. Needs Debian 12, Go, and root or sudo.
#
#   KEEP=1    stay up until Ctrl-C, to look around and to build more
set -euo pipefail

root=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
readonly root demo=$root/.demo
readonly sample=hello-c

die() {
	echo "demo: $*" >&2
	exit 1
}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# A builder fills build roots, which only root may; so the stack and its certificates are root's.
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
readonly sudo client=("${sudo[@]}" "$root/bin/toji" -c "$demo/koji.conf" -p toji)

# toji ARG...: the command line, as the stack's admin.
toji() { "${client[@]}" "$@"; }

prepare() {
	say '1. Programs'
	"$root/deploy/setup.sh" run
	make --no-print-directory -C "$root" build
	say '2. A distribution to build with'
	mkdir -p "$demo"
	"$root/deploy/seed/mkseed" -p full -o "$demo/seed" ||
		"$root/deploy/seed/mkseed" -p full -s host -o "$demo/seed" || die 'cannot make the seed repository'
	echo "file://$demo/seed"
}

# running: a stack of an earlier run, or of another terminal, answers.
running() { [ -e "$demo/ready" ] && toji hello >/dev/null 2>&1; }

start() {
	say '3. Toji'
	if running; then
		echo "runs already, and stays up"
		return
	fi
	rm -f "$demo/ready"
	trap stop EXIT
	trap 'exit 130' INT TERM
	# Not in the terminal's foreground group: Ctrl-C is for this script, which stops it.
	set -m
	"${sudo[@]}" "$root/bin/toji" dev --dir "$demo" --listen 127.0.0.1:0 --tls-listen 127.0.0.1:0 --temporal-ui 127.0.0.1:0 &
	stack=$!
	set +m
	until [ -e "$demo/ready" ]; do
		kill -0 "$stack" 2>/dev/null || die 'the stack did not start'
		sleep 0.1
	done
}

# stop ends the stack, if this script has started it.
stop() {
	trap - EXIT
	"${sudo[@]}" kill "$stack" 2>/dev/null || true
	wait "$stack" 2>/dev/null || true
}

# configure makes the tags demo (what is built) and demo-build (what it is built with).
configure() {
	say '4. Tags and a target'
	if [ "$(toji call getBuildTarget demo)" = None ]; then
		toji add-tag demo
		toji add-tag --parent demo --arches x86_64 demo-build
		toji add-external-repo --tag demo-build --mode bare demo-seed "file://$demo/seed/"
		local group
		for group in build srpm-build; do
			toji add-group demo-build "$group"
			group_packages "$group" | xargs "${client[@]}" add-group-pkg demo-build "$group"
		done
		toji add-pkg --owner admin demo "$sample"
		toji add-target demo demo-build demo # the last one: it says that all is there
	fi
	toji list-targets
}

# group_packages GROUP: the packages that the seed repository's comps.xml lists.
group_packages() {
	sed -n "\\,<id>$1</id>,,\\,</group>,s/.*<packagereq[^>]*>\\(.*\\)<.*/\\1/p" "$demo/seed/comps.xml"
}

# build makes the sample's next release and builds it.
build() {
	local release srpm nvr task begun=$SECONDS
	release=$(($(cat "$demo/release" 2>/dev/null || echo 0) + 1))
	echo "$release" >"$demo/release"
	srpm=$("$root/deploy/seed/mksrpm" -o "$demo/srpms" -r "$release" "$sample")
	nvr=$(basename "$srpm" .src.rpm)
	say "5. A build of $nvr"
	task=$(toji build --nowait --noprogress demo "$srpm" | sed -n 's/^Created task: //p')
	[ -n "$task" ] || die 'the build was not accepted'
	toji watch-task "$task"
	say "Built $nvr in $((SECONDS - begun)) s"
	times "$task"
	report "$task" "$nvr"
}

# times TASK: how long its parts took.
times() {
	{
		toji call --json-output getTaskInfo "$1"
		toji call --json-output getTaskChildren "$1"
	} | tr -d '" ,' | awk -F : '
		$1 == "arch" { arch = $2 }
		$1 == "completion_ts" { end = $2 }
		$1 == "method" { method = $2 }
		$1 == "start_ts" { printf "  %-12s %-7s %6.1f s\n", method, arch, end - $2 }'
}

# report TASK NVR: what came out, and where to look.
report() {
	# shellcheck disable=SC1090 # made by toji dev
	. <("${sudo[@]}" cat "$demo/env")
	echo
	toji buildinfo "$2" | sed -n '/^RPMs:/,$ { /^RPMs:/!s/^/  /p }'
	echo
	echo "  build      $TOJI_URL/buildinfo?buildID=$(toji call --json-output getBuild "$2" | sed -n 's/.*"build_id": \([0-9]*\).*/\1/p')"
	echo "  task       $TOJI_URL/taskinfo?taskID=$1"
	echo "  workflow   $TOJI_TEMPORAL_UI/namespaces/toji/workflows/task-$1"
}

# linger stays up until Ctrl-C.
linger() {
	if [ -z "${KEEP:-}" ]; then
		[ -z "${stack:-}" ] || printf '\nTo look around there: make demo KEEP=1\n'
		return
	fi
	say 'Toji stays up; Ctrl-C stops it. Try in another terminal:'
	echo "  bin/toji -c .demo/koji.conf -p toji build --scratch demo .demo/srpms/$sample-1.0-1.seed12.src.rpm"
	echo '  bin/toji -c .demo/koji.conf -p toji list-tagged demo'
	[ -z "${stack:-}" ] || wait "$stack"
}

main() {
	cd "$root"
	prepare
	start
	configure
	build
	linger
}

main "$@"
