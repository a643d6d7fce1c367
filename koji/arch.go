package koji

import (
	"slices"
	"strings"
)

// CanonArch returns the arch that stands for arch in tasks, buildroots and
// repositories: "i386" for every kind of i?86, "armhfp" for every
// hard-floating-point arm, and so on. Others stand for themselves.
func CanonArch(arch string) string {
	has := func(prefix string) bool { return strings.HasPrefix(arch, prefix) }
	switch {
	case len(arch) == 4 && arch[0] == 'i' && arch[2:] == "86", arch == "athlon":
		return "i386"
	case arch == "ia32e":
		return "x86_64"
	case arch == "ppc64le":
		return "ppc64le"
	case has("ppc64"):
		return "ppc64"
	case has("sparc64"):
		return "sparc64"
	case has("sparc"):
		return "sparc"
	case has("alpha"):
		return "alpha"
	case has("arm") && strings.Contains(arch[len("arm"):], "h"):
		return "armhfp"
	case has("arm"):
		return "arm"
	}
	return arch
}

// archVariants are the arches of packages beside its own that a repository of a
// canonical arch holds.
var archVariants = map[string][]string{
	"i386":    {"athlon", "i686", "i586", "i486"},
	"x86_64":  {"amd64", "ia32e"},
	"ppc64":   {"ppc64p7", "ppc64pseries", "ppc64iseries"},
	"sparc":   {"sparcv9v", "sparcv9", "sparcv8"},
	"sparc64": {"sparc64v"},
	"alpha":   {"alphaev6", "alphaev56", "alphaev5"},
	"arm":     {"armv4l", "armv4tl", "armv5tel", "armv5tejl", "armv6l", "armv7l"},
	"armhfp":  {"armv7hl", "armv7hnl"},
}

// PackageArches lists the arches of the packages that belong into a repository
// of a canonical arch. Source packages are alone.
func PackageArches(arch string) []string {
	if arch == "src" {
		return []string{"src"}
	}
	return append(append([]string{arch}, archVariants[arch]...), "noarch")
}

// CanonArches maps CanonArch over a space-separated list and drops duplicates.
func CanonArches(arches string) []string {
	var canon []string
	for arch := range strings.FieldsSeq(arches) {
		if c := CanonArch(arch); !slices.Contains(canon, c) {
			canon = append(canon, c)
		}
	}
	return canon
}

// ParseArches splits a list of arches that a user typed, separated by commas
// or blanks. No list at all is not an error.
func ParseArches(arches string) ([]string, error) {
	return ParseArchesStrict(strings.ReplaceAll(arches, ",", " "))
}

// ParseArchesStrict is ParseArches for lists meant for the database, which
// are separated by blanks alone.
func ParseArchesStrict(arches string) ([]string, error) {
	list := strings.Fields(arches)
	for _, arch := range list {
		if !validArch(arch) {
			return nil, GenericErrorf("Architecture can be only [a-zA-Z0-9_-]")
		}
	}
	return list, nil
}

func validArch(arch string) bool {
	for _, c := range []byte(arch) {
		if !isLetter(c) && !isDigit(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// archParents has the next less demanding arch that a CPU of each arch also
// runs. Chains end in "noarch", which is not listed.
var archParents = map[string]string{
	"x86_64": "athlon", "amd64": "x86_64", "ia32e": "x86_64",
	"athlon": "i686", "geode": "i686", "i686": "i586", "i586": "i486", "i486": "i386",
	"ppc64p7": "ppc64", "ppc64pseries": "ppc64", "ppc64iseries": "ppc64", "ppc64": "ppc",
	"s390x":    "s390",
	"sparc64v": "sparcv9v", "sparc64": "sparcv9", "sparcv9v": "sparcv9", "sparcv9": "sparcv8", "sparcv8": "sparc",
	"alphaev7": "alphaev68", "alphaev68": "alphaev67", "alphaev67": "alphaev6", "alphaev6": "alphapca56",
	"alphapca56": "alphaev56", "alphaev56": "alphaev5", "alphaev5": "alphaev45", "alphaev45": "alphaev4", "alphaev4": "alpha",
	"armv7l": "armv6l", "armv6l": "armv5tejl", "armv5tejl": "armv5tel",
	"armv7hnl": "armv7hl", "armv7hl": "armv6hl",
	"sh4a": "sh4",
}

// multilibArches are the arches whose packages come in a second, 32-bit flavour.
var multilibArches = []string{"x86_64", "sparc64v", "sparc64", "ppc64", "s390x"}

// IsMultilib reports whether a repository of this arch may also carry packages
// of a second, 32-bit one.
func IsMultilib(arch string) bool {
	return slices.Contains(multilibArches, arch) || slices.Contains(multilibArches, archParents[arch])
}

// ArchOwner is a host or a tag with its space-separated list of arches.
type ArchOwner struct{ Name, Arches string }

// ConcreteArch picks the arch in which host does a noarch task for tag: the
// preferred one if it is possible, else the first of the host's canonical
// arches that the tag has too. The error is a BuildError.
//
// Koji picks at random among the common arches; the first one listed makes
// repeated attempts agree.
func ConcreteArch(host, tag ArchOwner, preferred string) (string, error) {
	hostArches, tagArches := CanonArches(host.Arches), CanonArches(tag.Arches)
	if len(hostArches) == 0 {
		return "", BuildErrorf("No arch list for this host: %s", host.Name)
	}
	if len(tagArches) == 0 {
		return "", BuildErrorf("No arch list for tag: %s", tag.Name)
	}
	common := intersect(hostArches, tagArches)
	switch {
	case len(common) == 0:
		slices.Sort(hostArches)
		slices.Sort(tagArches)
		return "", BuildErrorf("host %s (%s) does not support any arches of tag %s (%s)",
			host.Name, strings.Join(hostArches, ", "), tag.Name, strings.Join(tagArches, ", "))
	case slices.Contains(common, preferred):
		return preferred, nil
	}
	return common[0], nil
}

// intersect returns the elements of list that are also in other.
func intersect(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(other, s) })
}

// subtract returns the elements of list that are not in other.
func subtract(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}
