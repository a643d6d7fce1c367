# shellcheck shell=bash disable=SC2154,SC2164 # mkseed sets the variables, and -e
# Debian packages as a source of files: get them, unpack them into a tree, thin the tree.
# Sourced by mkseed, which sets source (apt or host), cache and work.

readonly multiarch=x86_64-linux-gnu # Debian's folder for libraries of this architecture

# new_tree DIR: an empty tree whose /bin, /sbin, /lib and /lib64 are links into /usr.
#
# Trap: Debian 12 packages still ship files under both /bin and /usr/bin. Unpacked through
# these links all of them land in /usr, and only the filesystem package owns the links.
new_tree() {
	local dir
	for dir in bin sbin lib lib64; do
		mkdir -p "$1/usr/$dir"
		ln -s "usr/$dir" "$1/$dir"
	done
}

# drop_links DIR: removes new_tree's links, before the tree is packaged.
drop_links() { rm "$1"/{bin,sbin,lib,lib64}; }

# need_packages PACKAGE...: makes sure that unpack can get at them: downloads what the cache
# lacks (apt), or checks that they are installed (host).
need_packages() {
	case $source in
	apt) download "$@" ;;
	host) check_installed "$@" ;;
	esac
}

# download PACKAGE...: fills the cache with .deb files. Nothing gets installed.
download() {
	local package incoming missing=()
	for package; do
		compgen -G "$cache/${package}_*.deb" >/dev/null || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	# Through a folder of its own, so that an interrupted download is never taken for a file.
	incoming=$(mktemp -d "$cache/incoming.XXXXXX")
	if ! (cd "$incoming" && apt-get -qq download "${missing[@]}") 2>"$work/apt.log"; then
		cat "$work/apt.log" >&2
		rm -r "$incoming"
		die "cannot download Debian packages; try 'apt-get update', or '-s host' when offline"
	fi
	mv "$incoming"/*.deb "$cache/"
	rmdir "$incoming"
}

check_installed() {
	local package missing=()
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
	done
	((${#missing[@]} == 0)) || die "-s host wants these Debian packages installed: ${missing[*]}"
}

# unpack TREE PACKAGE...: adds the packages' files to TREE. need_packages comes first.
unpack() {
	local tree=$1 package
	shift
	for package; do
		"files_of_$source" "$package" | tar -x --keep-directory-symlink -C "$tree" || die "cannot unpack $package"
	done
}

files_of_apt() { dpkg-deb --fsys-tarfile "$cache/$1"_*.deb; }

# files_of_host leaves out what a package lists but the host lacks: container images have
# documentation and translations removed.
files_of_host() {
	dpkg -L "$1" | sed 's,^/,,' | while IFS= read -r file; do
		if [[ -n $file && $file != . && (-e /$file || -L /$file) ]]; then
			printf '%s\n' "$file"
		fi
	done | tar -C / --no-recursion -cf - -T -
}

# prune TREE: removes what no build needs: documentation, services, character sets, and
# dependency generators of languages that are not there.
prune() {
	(
		cd "$1"
		rm -rf usr/share/{doc,man,info,locale,lintian,bug,common-licenses,bash-completion,gdb,doc-base,menu} \
			etc/{cron*,init.d,default,logrotate.d,skel,alternatives} \
			lib/systemd lib/udev usr/lib/debug var/lib/{dpkg,systemd} \
			"usr/lib/$multiarch/gconv" \
			usr/lib/rpm/fileattrs/{ocaml,python*,perl*,font,desktop,metainfo}*.attr
		find . -path './usr/share/*' -name '*.gz' -delete
		find . \( -type b -o -type c \) -delete
	)
}
