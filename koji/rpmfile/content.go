package rpmfile

import "github.com/toji-build/toji/koji"

// Dep is a dependency of a package.
type Dep struct {
	Name    string
	Version string // "epoch:version-release", or a part of it, or ""
	Flags   int64  // koji.SenseLess and others, and bits that tell what for
}

// depTags has the beginnings of the names of the tags of each kind.
var depTags = map[koji.DepType]string{
	koji.DepRequire:    "REQUIRE",
	koji.DepProvide:    "PROVIDE",
	koji.DepObsolete:   "OBSOLETE",
	koji.DepConflict:   "CONFLICT",
	koji.DepSuggest:    "SUGGEST",
	koji.DepEnhance:    "ENHANCE",
	koji.DepSupplement: "SUPPLEMENT",
	koji.DepRecommend:  "RECOMMEND",
}

// Deps returns the dependencies of a kind, in the header's order.
func (h *Header) Deps(kind koji.DepType) []Dep {
	prefix := depTags[kind]
	versions, flags := h.Strings(prefix+"VERSION"), h.Ints(prefix+"FLAGS")
	var deps []Dep
	for i, name := range h.Strings(prefix + "NAME") {
		deps = append(deps, Dep{Name: name, Version: at(versions, i), Flags: at(flags, i)})
	}
	return deps
}

// File is a file that a package installs.
type File struct {
	Name   string // absolute path; in a source package, just the name
	Size   int64
	Digest string // in hexadecimal, "" for what is no regular file
	Mode   int64  // type and permissions as stat has them
	MTime  int64  // seconds since the epoch
	Flags  int64  // RPMFILE_CONFIG and others
	User   string
	Group  string
	Target string // of a symbolic link
	RDev   int64  // of a device
	Verify int64  // what rpm -V checks
}

// Files returns the files of the package, in the header's order.
func (h *Header) Files() []File {
	sizes, digests, modes := h.Ints("FILESIZES"), h.Strings("FILEDIGESTS"), h.Ints("FILEMODES")
	mtimes, flags, rdevs := h.Ints("FILEMTIMES"), h.Ints("FILEFLAGS"), h.Ints("FILERDEVS")
	users, groups, targets := h.Strings("FILEUSERNAME"), h.Strings("FILEGROUPNAME"), h.Strings("FILELINKTOS")
	verify := h.Ints("FILEVERIFYFLAGS")
	var files []File
	for i, name := range h.fileNames() {
		files = append(files, File{
			Name: name, Size: at(sizes, i), Digest: at(digests, i), Mode: at(modes, i),
			MTime: at(mtimes, i), Flags: at(flags, i), User: at(users, i), Group: at(groups, i),
			Target: at(targets, i), RDev: at(rdevs, i), Verify: at(verify, i),
		})
	}
	return files
}

// digestAlgorithms are OpenPGP's numbers of hash algorithms (RFC 4880, 9.4).
var digestAlgorithms = map[int64]string{
	1: "md5", 2: "sha1", 3: "ripemd160", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224",
}

// FileDigestAlgorithm returns the name of the algorithm of Files' digests, such
// as "sha256", or "unknown".
func (h *Header) FileDigestAlgorithm() string {
	algo := h.Int("FILEDIGESTALGO")
	if algo == 0 { // packages from before there was a choice
		return "md5"
	}
	if name, ok := digestAlgorithms[algo]; ok {
		return name
	}
	return "unknown"
}

// Change is an entry of a changelog.
type Change struct {
	Time   int64  // seconds since the epoch, at noon
	Author string // with the version: "Joe <joe@example.com> - 1.0-1"
	Text   string
}

// Changelog returns the entries of the changelog, newest first.
func (h *Header) Changelog() []Change {
	authors, texts := h.Strings("CHANGELOGNAME"), h.Strings("CHANGELOGTEXT")
	var log []Change
	for i, t := range h.Ints("CHANGELOGTIME") {
		log = append(log, Change{Time: t, Author: at(authors, i), Text: at(texts, i)})
	}
	return log
}
