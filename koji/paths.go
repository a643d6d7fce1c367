package koji

import (
	"fmt"
	"path"
	"strings"
)

// DefaultTopDir is where Koji keeps its files unless told otherwise.
const DefaultTopDir = "/mnt/koji"

// PathInfo knows where things lie below the top directory, or below the URL
// that serves it. It only computes names and does no I/O. Volume arguments take
// a volume's name; "" and "DEFAULT" mean the top directory itself.
type PathInfo struct{ TopDir string }

// Volume returns the root of a volume.
func (p PathInfo) Volume(volume string) string {
	if volume == "" || volume == "DEFAULT" {
		return p.TopDir
	}
	return p.TopDir + "/vol/" + volume
}

// Build returns the directory of a build.
func (p PathInfo) Build(volume string, n NVR) string {
	return p.Volume(volume) + "/packages/" + n.Name + "/" + n.Version + "/" + n.Release
}

// BuildLogs returns the directory of a build's logs, with one directory per arch.
func (p PathInfo) BuildLogs(volume string, n NVR) string {
	return p.Build(volume, n) + "/data/logs"
}

// TypeDir returns the directory of a build's archives of a type, such as
// "maven", "win", "image" or the name of any other build type.
func (p PathInfo) TypeDir(volume string, n NVR, btype string) string {
	dir := p.Build(volume, n)
	switch btype {
	case "maven", "win":
		return dir + "/" + btype
	case "image":
		return dir + "/images"
	}
	return dir + "/files/" + btype
}

// RPM returns an RPM's path relative to its build's directory.
func (p PathInfo) RPM(n NVRA) string { return n.Arch + "/" + n.Filename() }

// Signed returns the path of an RPM's signed copy relative to its build's directory.
func (p PathInfo) Signed(n NVRA, sigkey string) string {
	return "data/signed/" + sigkey + "/" + p.RPM(n)
}

// SigHeader returns the path of an RPM's cached signature header relative to its
// build's directory.
func (p PathInfo) SigHeader(n NVRA, sigkey string) string {
	return "data/sigcache/" + sigkey + "/" + p.RPM(n) + ".sig"
}

// Repo returns the directory of a tag's repository.
func (p PathInfo) Repo(tag string, id int64) string {
	return fmt.Sprintf("%s/repos/%s/%d", p.TopDir, tag, id)
}

// RepoCache returns the directory of a tag's cached repository data.
func (p PathInfo) RepoCache(tag string) string { return p.TopDir + "/repos/" + tag + "/cache" }

// DistRepo returns the directory of a tag's distribution repository.
func (p PathInfo) DistRepo(volume, tag string, id int64) string {
	return fmt.Sprintf("%s/repos-dist/%s/%d", p.Volume(volume), tag, id)
}

// Work returns the directory for uploads and task output.
func (p PathInfo) Work(volume string) string { return p.Volume(volume) + "/work" }

// TaskRel returns a task's output directory relative to the work directory.
func (p PathInfo) TaskRel(id int64) string { return fmt.Sprintf("tasks/%d/%d", id%10000, id) }

// Task returns a task's output directory.
func (p PathInfo) Task(volume string, id int64) string {
	return p.Work(volume) + "/" + p.TaskRel(id)
}

// Scratch returns the directory of scratch builds.
func (p PathInfo) Scratch() string { return p.TopDir + "/scratch" }

// MavenRepo returns a Maven artifact's directory relative to the repository.
func (p PathInfo) MavenRepo(groupID, artifactID, version string) string {
	return strings.ReplaceAll(groupID, ".", "/") + "/" + artifactID + "/" + version
}

// Under joins rel to base. It refuses a rel that is empty, absolute, or has a
// ".." or a NUL in it, so that the result never lies outside of base. The check
// is one of names alone: where others can plant symbolic links, open the result
// through os.Root.
func Under(base, rel string) (string, error) {
	if rel == "" || strings.HasPrefix(rel, "/") || strings.ContainsRune(rel, 0) {
		return "", GenericErrorf("invalid path: %q", rel)
	}
	for part := range strings.SplitSeq(rel, "/") {
		if part == ".." {
			return "", GenericErrorf("invalid path: %q", rel)
		}
	}
	return path.Join(base, rel), nil
}
