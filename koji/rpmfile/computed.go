package rpmfile

import (
	"fmt"
	"strings"

	"github.com/toji-build/toji/koji"
)

// computed returns the value of a tag that RPM computes from others. ok is
// false if the tag is none of those.
func (h *Header) computed(name string) (value any, ok bool) {
	if prefix, ok := strings.CutSuffix(name, "NEVRS"); ok {
		return h.depStrings(prefix)
	}
	switch name {
	case "EPOCHNUM":
		return h.Int("EPOCH"), true
	case "EVR":
		return h.evr(), true
	case "NVR":
		return h.NVRA().NVR.String(), true
	case "NVRA":
		return h.NVRA().NVR.String() + "." + h.Text("ARCH"), true
	case "NEVR":
		return h.Text("NAME") + "-" + h.evr(), true
	case "NEVRA":
		return h.Text("NAME") + "-" + h.evr() + "." + h.Text("ARCH"), true
	case "ARCHSUFFIX":
		return "." + h.Arch(), true
	case "LONGSIZE", "LONGARCHIVESIZE", "LONGSIGSIZE":
		return h.Int(strings.TrimPrefix(name, "LONG")), true
	case "LONGFILESIZES":
		return listOrEmpty(h.Ints("FILESIZES")), true
	case "FILENAMES", "OLDFILENAMES":
		return h.fileNames(), true
	case "ORIGFILENAMES":
		return joinNames(h.Strings("ORIGBASENAMES"), h.Strings("ORIGDIRNAMES"), h.Ints("ORIGDIRINDEXES")), true
	case "FILECLASS":
		return h.fileClasses(), true
	case "FILENLINKS":
		return listOrEmpty(h.linkCounts()), true
	}
	return nil, false
}

// listOrEmpty keeps an absent list from being a nil of some type.
func listOrEmpty(list []int64) any {
	if len(list) == 0 {
		return []string{}
	}
	return list
}

// evr returns "epoch:version-release", without the epoch if there is none.
func (h *Header) evr() string {
	vr := h.Text("VERSION") + "-" + h.Text("RELEASE")
	if epoch := h.Epoch(); epoch != nil {
		return fmt.Sprintf("%d:%s", *epoch, vr)
	}
	return vr
}

// fileNames returns the paths of all files.
func (h *Header) fileNames() []string {
	if names := joinNames(h.Strings("BASENAMES"), h.Strings("DIRNAMES"), h.Ints("DIRINDEXES")); len(names) > 0 {
		return names
	}
	if e, ok := h.tags[tagsByName["OLDFILENAMES"]]; ok { // packages from before RPM 4
		return e.strings()
	}
	return []string{}
}

// joinNames puts paths together whose directories are given by index.
func joinNames(base, dirs []string, indexes []int64) []string {
	names := make([]string, 0, len(base))
	for i, name := range base {
		if d := at(indexes, i); d >= 0 && d < int64(len(dirs)) {
			name = dirs[d] + name
		}
		names = append(names, name)
	}
	return names
}

// fileClasses returns a description of the content of each file.
func (h *Header) fileClasses() []string {
	dict := h.Strings("CLASSDICT")
	classes := []string{}
	for _, i := range h.tags[tagsByName["FILECLASS"]].ints() {
		class := ""
		if i >= 0 && i < int64(len(dict)) {
			class = dict[i]
		}
		classes = append(classes, class)
	}
	return classes
}

// linkCounts returns how many of the package's files share each file's inode.
func (h *Header) linkCounts() []int64 {
	type inode struct{ device, number int64 }
	inodes, devices := h.Ints("FILEINODES"), h.Ints("FILEDEVICES")
	count := make(map[inode]int64)
	for i, n := range inodes {
		count[inode{at(devices, i), n}]++
	}
	counts := make([]int64, len(inodes))
	for i, n := range inodes {
		counts[i] = count[inode{at(devices, i), n}]
	}
	return counts
}

// depStrings returns dependencies as RPM prints them; prefix is that of the
// names of the kind's tags.
func (h *Header) depStrings(prefix string) (value any, ok bool) {
	for kind, p := range depTags {
		if p != prefix {
			continue
		}
		list := []string{}
		for _, d := range h.Deps(kind) {
			list = append(list, d.String())
		}
		return list, true
	}
	return nil, false
}

// String returns the dependency as RPM prints it: "name >= version".
func (d Dep) String() string {
	op := ""
	for _, c := range []struct {
		bit  int64
		sign string
	}{{koji.SenseLess, "<"}, {koji.SenseGreater, ">"}, {koji.SenseEqual, "="}} {
		if d.Flags&c.bit != 0 {
			op += c.sign
		}
	}
	return strings.TrimSpace(strings.Join([]string{d.Name, op, d.Version}, " "))
}

// at returns the ith element, or the zero value if the list is shorter.
func at[T any](list []T, i int) T {
	if i < 0 || i >= len(list) {
		var zero T
		return zero
	}
	return list[i]
}
