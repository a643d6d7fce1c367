# shellcheck shell=bash disable=SC2154,SC2164 # mkseed sets the variables, and -e
# The seed packages: which Debian packages each is made of, and what has to be changed in
# them. Sourced by mkseed, after debian.sh and rpm.sh.
#
#   seed-filesystem   folders, accounts, os-release, rpm macros      every profile
#   seed-tiny         rpmbuild and busybox in place of a userland    tiny
#   seed-base         shell and tools                                noarch, full
#   seed-rpmbuild     rpm and rpmbuild                               noarch, full
#   seed-gcc          C compiler, libc headers, make                 full

readonly libc=(libc6 libcrypt1 libgcc-s1)

readonly rpmbuild=(
	rpm rpm-common librpm9 librpmbuild9 librpmio9 librpmsign9
	libacl1 libattr1 libaudit1 libbz2-1.0 libcap2 libcap-ng0 libdbus-1-3 libdw1 libelf1
	libfsverity0 libgcrypt20 libgomp1 libgpg-error0 liblua5.3-0 liblz4-1 liblzma5 libmagic1
	libmagic-mgc libpcre2-8-0 libpopt0 libselinux1 libsqlite3-0 libssl3 libsystemd0 libzstd1
	zlib1g
)

readonly base=(
	bash libtinfo6 libreadline8 coreutils libgmp10 libmd0
	passwd login libsemanage2 libsepol2 libpam0g
	util-linux libmount1 libblkid1 libuuid1 libsmartcols1 libc-bin debianutils hostname
	tar gzip bzip2 xz-utils unzip cpio patch diffutils findutils sed grep file
	gawk libmpfr6 libsigsegv2
)

readonly gcc=(
	gcc gcc-12 cpp cpp-12 libgcc-12-dev libcc1-0 libstdc++6 libisl23 libmpc3
	binutils binutils-common binutils-x86-64-linux-gnu libbinutils libctf0 libctf-nobfd0
	libjansson4 libc6-dev libc-dev-bin linux-libc-dev libcrypt-dev make
)

readonly busybox=(busybox-static bash libtinfo6)

# Names under which packages of RPM distributions ask for what is in here. Trap: rpm's
# generators see neither a shell at /bin/sh (the file is /usr/bin/sh) nor the dynamic
# linker's rtld(GNU_HASH), which every linked program requires.
readonly \
	provides_shell='Provides: /bin/sh, /bin/bash, bash, coreutils' \
	provides_libc='Provides: glibc, rtld(GNU_HASH)' \
	provides_rpm='Provides: rpm, rpm-build, rpm-libs, redhat-rpm-config, system-rpm-config' \
	provides_tools='Provides: tar, gzip, cpio, sed, grep, gawk, findutils, diffutils, patch'

# header SUMMARY LINE...: the header lines that all packages but seed-filesystem share.
header() {
	printf 'Summary: %s\nRequires: seed-filesystem\n' "$1"
	shift
	printf '%s\n' "$@"
}

# package NAME TREE: builds one package of everything in TREE; standard input is its header.
package() {
	drop_links "$2"
	list_files "$2" >"$work/$1.files"
	build_rpm "$1" "$2" "$work/$1.files"
}

make_filesystem() {
	local tree=$work/filesystem
	new_tree "$tree"
	cp -r "$files/filesystem/." "$tree/"
	(
		cd "$tree"
		mkdir -p boot dev home mnt opt proc root run srv sys tmp etc/profile.d \
			usr/{include,libexec,local,share} usr/lib/rpm/macros.d \
			var/{cache,log,tmp} var/lib/{dbus,rpm}
		ln -s ../run var/run
		ln -s ../usr/lib/os-release etc/os-release
		chmod -R u=rwX,go=rX .
	)
	list_filesystem "$tree" >"$work/seed-filesystem.files"
	build_rpm seed-filesystem "$tree" "$work/seed-filesystem.files" <<-'END'
		Summary: Folders, accounts and rpm macros
		Provides: filesystem, setup, basesystem, system-release = 12, redhat-release = 12
	END
}

# list_filesystem TREE: as list_files, but owning every folder, with the odd modes; accounts
# that a build root adds survive an upgrade.
list_filesystem() {
	(
		cd "$1"
		find . -mindepth 1 -type d -printf '%%dir /%P\n' -o -printf '/%P\n'
	) | sed -E '
		s@^%dir (/tmp|/var/tmp)$@%attr(1777,root,root) &@
		s@^/etc/g?shadow$@%attr(0600,root,root) %config(noreplace) &@
		s@^/etc/(passwd|group)$@%config(noreplace) &@'
}

make_tiny() {
	local tree=$work/tiny applet
	new_tree "$tree"
	unpack "$tree" "${busybox[@]}" "${libc[@]}" "${rpmbuild[@]}"
	prune "$tree"
	(
		cd "$tree"
		rm -f usr/bin/{rpmsign,rpmgraph,rpm2archive,gendiff} \
			usr/lib/"$multiarch"/lib{crypto,ssl,rpmsign,systemd,dbus,fsverity}*.so* \
			usr/lib/"$multiarch"/rpm-plugins/{systemd_inhibit,fsverity,audit}*
		for applet in $(usr/bin/busybox --list); do
			case $applet in
			rpm | rpm2cpio | dpkg*) ;; # rpm has the real ones, and dpkg is not wanted
			*) [ -e "usr/bin/$applet" ] || ln -s busybox "usr/bin/$applet" ;;
			esac
		done
		for applet in adduser addgroup deluser delgroup chroot; do
			ln -sf ../bin/busybox "usr/sbin/$applet"
		done
		rm -f usr/bin/install
	)
	cp -r "$files/tiny/." "$tree/"
	header 'busybox and rpmbuild' "$provides_rpm" "$provides_shell" "$provides_libc" "$provides_tools" |
		package seed-tiny "$tree"
}

make_base() {
	local tree=$work/base
	new_tree "$tree"
	unpack "$tree" "${libc[@]}" "${base[@]}"
	prune "$tree"
	(
		cd "$tree"
		# What Debian's alternatives and maintainer scripts would have linked.
		ln -sf bash usr/bin/sh
		ln -sf gawk usr/bin/awk
		ln -sf which.debianutils usr/bin/which
		ln -sf ../usr/share/zoneinfo/UTC etc/localtime
		rm -f etc/login.defs # seed-filesystem has it
		rm -rf "usr/lib/$multiarch/security"
	)
	header 'shell and tools' "$provides_shell" "$provides_libc" "$provides_tools" \
		'Provides: bzip2, xz, unzip, file, info, which, shadow-utils, util-linux' |
		package seed-base "$tree"
}

make_rpmbuild() {
	local tree=$work/rpmbuild
	new_tree "$tree"
	unpack "$tree" "${rpmbuild[@]}"
	prune "$tree"
	rm -f "$tree/usr/bin/rpm2archive"
	header 'rpm and rpmbuild' 'Requires: seed-base' "$provides_rpm" |
		package seed-rpmbuild "$tree"
}

make_gcc() {
	local tree=$work/gcc
	new_tree "$tree"
	unpack "$tree" "${gcc[@]}"
	prune "$tree"
	(
		cd "$tree"
		ln -sf gcc usr/bin/cc
		# Link time optimisation, sanitizers, profilers, plugins: half of the size.
		rm -rf "usr/lib/gcc/$multiarch/12"/{lto1,plugin} usr/share/gcc* \
			usr/bin/*{gprofng,dwp,gold,lto-dump}* "usr/lib/$multiarch"/libgprofng*
		find usr/lib \( -name 'lib[altu]san*' -o -name 'libubsan*' \) -delete
	)
	header 'C compiler, libc headers, make' 'Requires: seed-base' \
		'Provides: gcc, make, binutils, glibc-devel, libc-dev, kernel-headers' |
		package seed-gcc "$tree"
}
