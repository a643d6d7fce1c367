package koji

import (
	"fmt"
	"strings"
)

// NVR names a build: a package's name, its version and its release.
type NVR struct {
	Name, Version, Release string
	// Epoch is the epoch's digits if the text had one ("2:bar-2.0-3"), else "".
	Epoch string
}

// ParseNVR splits "name-version-release", with an optional epoch and colon
// before the name. The error is a GenericError with Koji's text.
func ParseNVR(s string) (NVR, error) {
	nv, release, ok := cutLast(s, "-")
	if !ok || release == "" {
		return NVR{}, GenericErrorf("invalid format: %s", s)
	}
	name, version, ok := cutLast(nv, "-")
	if !ok || version == "" {
		return NVR{}, GenericErrorf("invalid format: %s", s)
	}
	n := NVR{Name: name, Version: version, Release: release}
	if epoch, rest, ok := strings.Cut(name, ":"); ok {
		n.Epoch, n.Name = epoch, rest
	}
	return n, nil
}

// String returns "name-version-release", without the epoch.
func (n NVR) String() string { return n.Name + "-" + n.Version + "-" + n.Release }

// Check reports why n cannot name a build: a dash in version or release, with
// Koji's texts, or a part that could not be a directory's name.
func (n NVR) Check() error {
	if strings.Contains(n.Version, "-") {
		return GenericErrorf(`The "-" character not allowed in version field`)
	}
	if strings.Contains(n.Release, "-") {
		return GenericErrorf(`The "-" character not allowed in release field`)
	}
	for _, part := range []string{n.Name, n.Version, n.Release} {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/\x00\n") {
			return GenericErrorf("invalid format: %q", n.String())
		}
	}
	return nil
}

// NVRA names an RPM: an NVR and an architecture.
type NVRA struct {
	NVR
	Arch string
	// Location names the external repository the RPM is from, "" if none.
	Location string
}

// ParseNVRA splits "name-version-release.arch", with an optional suffix ".rpm"
// and an optional "@location" behind it.
func ParseNVRA(s string) (NVRA, error) {
	s, location, _ := strings.Cut(s, "@")
	s = strings.TrimSuffix(s, ".rpm")
	nvr, arch, ok := cutLast(s, ".")
	if !ok || arch == "" {
		return NVRA{}, GenericErrorf("invalid format: %s", s)
	}
	n, err := ParseNVR(nvr)
	if err != nil {
		return NVRA{}, err
	}
	return NVRA{NVR: n, Arch: arch, Location: location}, nil
}

// Source reports whether n names a source RPM.
//
// Koji: "nosrc" does not count.
func (n NVRA) Source() bool { return n.Arch == "src" }

// String returns "name-version-release.arch".
func (n NVRA) String() string { return n.NVR.String() + "." + n.Arch }

// Filename returns "name-version-release.arch.rpm".
func (n NVRA) Filename() string { return n.String() + ".rpm" }

// NEVRA returns "name-epoch:version-release.arch"; an absent epoch is left out.
func (n NVRA) NEVRA() string {
	if n.Epoch == "" {
		return n.String()
	}
	return fmt.Sprintf("%s-%s:%s-%s.%s", n.Name, n.Epoch, n.Version, n.Release, n.Arch)
}

// Check is NVR.Check with a look at the arch.
func (n NVRA) Check() error {
	if err := n.NVR.Check(); err != nil {
		return err
	}
	if strings.Contains(n.Arch, ".") {
		return GenericErrorf(`The "." character not allowed in arch field`)
	}
	if n.Arch == "" || strings.ContainsAny(n.Arch, "/\x00\n") {
		return GenericErrorf("invalid format: %q", n.String())
	}
	return nil
}

// IsDebuginfo reports whether an RPM of this name holds debug information.
func IsDebuginfo(name string) bool {
	return strings.HasSuffix(name, "-debuginfo") ||
		strings.HasSuffix(name, "-debugsource") ||
		strings.Contains(name, "-debuginfo-")
}

// DraftRelease returns the release of a draft build that is to become
// targetRelease once it is promoted: "1.fc40,draft_123".
func DraftRelease(targetRelease string, buildID int64) string {
	return fmt.Sprintf("%s,draft_%d", targetRelease, buildID)
}

// TargetRelease returns the release a draft build will have when promoted.
func TargetRelease(draftRelease string) (string, error) {
	target, mark, ok := strings.Cut(draftRelease, ",")
	if !ok || !strings.HasPrefix(mark, "draft_") {
		return "", GenericErrorf("draft release: %s is not in valid format", draftRelease)
	}
	return target, nil
}

// cutLast slices s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
