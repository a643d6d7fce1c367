# shellcheck shell=bash disable=SC2154,SC2164 # mkseed sets the variables, and -e
# RPM packages and the repository made of them.
# Sourced by mkseed, which sets work and repo.

readonly seed_version=12 seed_release=1.seed

# build_rpm NAME TREE FILELIST: wraps TREE up as an RPM. Standard input is the rest of the
# header, at least a Summary. FILELIST is a %files section. TREE is used up.
#
# Traps:
#   - rpmbuild's own clean-up of the build root (strip, compress, fix shebangs) would change
#     Debian's files, so it is switched off.
#   - AutoReq is off: it would ask for Debian's perl and python. AutoProv stays on: what gets
#     built here later requires libc.so.6 and the like.
#   - rpm's own database must not be the host's, or a build as root would create ~/.rpmdb.
build_rpm() {
	local name=$1 tree=$2 filelist=$3
	{
		printf '%s\n' "Name: $name" "Version: $seed_version" "Release: $seed_release" \
			'License: Various' 'AutoReq: no'
		cat
		printf '%s\n' '%define __os_install_post %{nil}' '%define __check_files %{nil}' \
			'%define _build_id_links none' '%define _binary_payload w3.zstdio' \
			'%define _use_internal_dependency_generator 1' \
			'%description' 'Made of files from Debian, to build RPM packages with.' \
			'%install' "rm -rf %{buildroot}" "mv '$tree' %{buildroot}" \
			"%files -f $filelist" '%defattr(-,root,root)'
	} >"$work/$name.spec"
	rpmbuild -bb --quiet --target x86_64 \
		--define "_topdir $work/top" --define "_dbpath $work/rpmdb" \
		--define "_rpmdir $repo/Packages" \
		--define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
		"$work/$name.spec" >"$work/$name.log" 2>&1 || {
		cat "$work/$name.log" >&2
		die "cannot build $name"
	}
}

# list_files TREE: a %files section with every file of TREE, and its empty folders. Other
# folders belong to seed-filesystem or are made as needed.
list_files() {
	(
		cd "$1"
		find . -mindepth 1 ! -type d -printf '"/%P"\n'
		find . -mindepth 1 -type d -empty -printf '%%dir "/%P"\n'
	)
}

# write_comps FILE: the two groups that a Koji-style build installs: "build" to build a
# package, "srpm-build" to make a source package. Here both are everything there is.
write_comps() {
	local group rpm name
	{
		printf '<?xml version="1.0" encoding="UTF-8"?>\n<comps>\n'
		for group in build srpm-build; do
			printf '  <group>\n    <id>%s</id>\n    <name>%s</name>\n    <description>%s</description>\n' \
				"$group" "$group" "Packages of a $group root"
			printf '    <default>true</default>\n    <uservisible>true</uservisible>\n    <packagelist>\n'
			for rpm in "$repo"/Packages/*.rpm; do
				name=${rpm##*/}
				printf '      <packagereq type="mandatory">%s</packagereq>\n' "${name%-"$seed_version-$seed_release"*}"
			done
			printf '    </packagelist>\n  </group>\n'
		done
		printf '</comps>\n'
	} >"$1"
}

# index_repo: comps and repodata for what lies in $repo/Packages.
index_repo() {
	write_comps "$repo/comps.xml"
	createrepo_c -q -g comps.xml "$repo"
}
