package koji

import (
	"maps"
	"slices"
	"strings"
)

// BuildArches decides for which arches a source package is built, and where.
// Lists in one string are separated by blanks, as the database has them.
type BuildArches struct {
	Tag          string // the build tag's name and ID, for messages
	TagID        int64
	TagArches    string // the build tag's arches
	ExtraArches  string // the package's extra arches in the destination tag
	Override     string // arch_override; only scratch builds may have it
	NoarchArches string // the build tag's extra setting noarch_arches

	// From the source package's header; empty where the spec file says nothing.
	BuildArchs, ExclusiveArch, ExcludeArch []string
}

// List returns the arches to build for, without duplicates and in order, such
// as ["x86_64", "i686"] or ["noarch"]. The error is a BuildError with Koji's text.
//
// BuildArch in the spec file takes the place of the tag's arches, ExclusiveArch
// and ExcludeArch filter them, an override takes the place of the result. What
// remains is built if it is noarch or the tag has its canonical arch.
func (b BuildArches) List() ([]string, error) {
	if b.TagArches == "" {
		return nil, BuildErrorf("No arches for tag %s [%d]", b.Tag, b.TagID)
	}
	arches := strings.Fields(b.TagArches + " " + b.ExtraArches)
	if len(b.BuildArchs) > 0 {
		arches = b.BuildArchs
	}
	if len(b.ExclusiveArch) > 0 {
		arches = intersect(arches, b.ExclusiveArch)
	}
	arches = subtract(arches, b.ExcludeArch)
	// Koji: "noarch" among the exclusive arches asks for a noarch build even
	// though no tag lists it.
	if !slices.Contains(b.ExcludeArch, "noarch") &&
		(slices.Contains(b.BuildArchs, "noarch") || slices.Contains(b.ExclusiveArch, "noarch")) {
		arches = append(arches, "noarch")
	}
	if b.Override != "" {
		arches = strings.Fields(b.Override)
	}
	tagArches := CanonArches(b.TagArches)
	var list []string
	for _, arch := range arches {
		possible := arch == "noarch" || slices.Contains(tagArches, CanonArch(arch))
		if possible && !slices.Contains(list, arch) {
			list = append(list, arch)
		}
	}
	if len(list) == 0 {
		return nil, BuildErrorf("No matching arches were found")
	}
	return list, nil
}

// TaskArches returns the arches one of which the buildArch task for arch has to
// ask its host for. It is the canonical arch, or "noarch" for a noarch build
// that any host may do. When ExclusiveArch, ExcludeArch or noarch_arches rule
// some of the tag's arches out, it is a choice among the rest. The error is a
// BuildError with Koji's text.
func (b BuildArches) TaskArches(arch string) ([]string, error) {
	if arch != "noarch" {
		return []string{CanonArch(arch)}, nil
	}
	if len(b.ExclusiveArch) == 0 && len(b.ExcludeArch) == 0 && b.NoarchArches == "" {
		return []string{"noarch"}, nil
	}
	tagArches := CanonArches(b.TagArches)
	choice := tagArches
	if b.NoarchArches != "" {
		choice = intersect(CanonArches(b.NoarchArches), tagArches)
	}
	exclusive := CanonArches(strings.Join(b.ExclusiveArch, " "))
	exclude := CanonArches(strings.Join(b.ExcludeArch, " "))
	if len(exclusive) > 0 {
		choice = intersect(choice, exclusive)
	}
	choice = subtract(choice, exclude)
	if len(choice) == 0 {
		return nil, BuildErrorf("No valid arches were found. tag %s, extra %s,exclusive %s, exclude %s",
			pyList(tagArches), pyString(b.NoarchArches), pyList(exclusive), pyList(exclude))
	}
	if maps.Equal(set(choice), set(tagArches)) {
		return []string{"noarch"}, nil
	}
	return choice, nil
}

func set(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[s] = true
	}
	return m
}

// pyString and pyList print as Python's %r does, which Koji's messages use;
// arches have nothing in them to escape.
func pyString(s string) string {
	if s == "" {
		return "None"
	}
	return "'" + s + "'"
}

func pyList(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	return "['" + strings.Join(list, "', '") + "']"
}
