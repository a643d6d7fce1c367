package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/comps"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// A repository's folder, as Koji lays it out and its tools read it:
//
//	repos/TAG/ID/repo.json              what it is
//	            /groups/comps.xml       the tag's groups
//	            /ARCH/pkglist           paths of RPMs, through toplink
//	            /ARCH/rpmlist.jsonl     the same RPMs, an object a line
//	            /ARCH/blocklist         names of blocked packages
//	            /ARCH/toplink           -> the top directory
//	            /ARCH/repodata/         what createrepo makes of it

// writeRepo makes a repository's folder, all of it or nothing.
func (h *Hub) writeRepo(ctx context.Context, repo *api.Repo, tag *api.Tag, arches []string, opts map[string]bool) error {
	lists, err := h.repoLists(ctx, repo, tag, arches, opts)
	if err != nil {
		return err
	}
	dir := h.Paths.Repo(tag.Name, repo.ID)
	staging := dir + ".making"
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	if err := h.writeLists(staging, arches, lists); err != nil {
		return fmt.Errorf("write repo %d: %w", repo.ID, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(staging, dir)
}

// repoLists is the content of the files, by path in the repository's folder.
func (h *Hub) repoLists(ctx context.Context, repo *api.Repo, tag *api.Tag, arches []string, opts map[string]bool) (map[string][]byte, error) {
	event := &repo.CreateEvent
	filter := store.TaggedFilter{TagID: tag.ID, Event: event, Inherit: true, Latest: latestOnly(tag)}
	entries, err := h.Store.TagEntries(ctx, filter)
	if err != nil {
		return nil, err
	}
	builds, err := loaded(h.Store.EntryBuilds(ctx, entries, filter))
	if err != nil {
		return nil, err
	}
	rpms, err := loaded(h.Store.TaggedRPMs(ctx, entries, store.TaggedFiles{}))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	if err := packageLists(files, builds, rpms, arches, opts); err != nil {
		return nil, err
	}
	groups, err := h.Store.TagGroups(ctx, tag.ID, store.GroupOptions{Event: event, Inherit: true})
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := comps.Write(&text, groups); err != nil {
		return nil, err
	}
	files["groups/comps.xml"] = text.Bytes()
	blocked, err := h.blockedPackages(ctx, tag.ID, event)
	if err != nil {
		return nil, err
	}
	for _, arch := range arches {
		files[arch+"/blocklist"] = blocked
	}
	files["repo.json"], err = json.MarshalIndent(map[string]any{
		"id": repo.ID, "tag": tag.Name, "tag_id": tag.ID, "task_id": repo.TaskID, "event_id": repo.CreateEvent,
		"opts": opts, "custom_opts": repo.CustomOpts,
		"with_src": opts["src"], "with_separate_src": opts["separate_src"], "with_debuginfo": opts["debuginfo"],
	}, "", "  ")
	return files, err
}

// latestOnly is 1 unless the tag wants all of its builds in the repository.
func latestOnly(tag *api.Tag) int64 {
	if all, _ := tag.Extra["repo_include_all"].(bool); all {
		return 0
	}
	return 1
}

func (h *Hub) blockedPackages(ctx context.Context, tagID int64, event *int64) ([]byte, error) {
	list, err := h.Store.PackageList(ctx, store.PackageFilter{TagID: &tagID, Event: event, Inherit: true, NoOwners: true})
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, p := range list {
		if p.Blocked {
			fmt.Fprintln(&text, p.PackageName)
		}
	}
	return text.Bytes(), nil
}

// packageLists writes pkglist and rpmlist.jsonl of each arch. noarch RPMs are in
// every arch's, SRPMs where the options want them.
func packageLists(files map[string][]byte, builds []api.TaggedBuild, rpms []api.TaggedRPM, arches []string, opts map[string]bool) error {
	folders := make(map[int64]string, len(builds))
	top := koji.PathInfo{TopDir: "toplink"}
	for _, b := range builds {
		folders[b.BuildID] = top.Build(b.VolumeName, koji.NVR{Name: b.Name, Version: b.Version, Release: b.Release})
	}
	pkglist, rpmlist := map[string]*bytes.Buffer{}, map[string]*bytes.Buffer{}
	for _, arch := range arches {
		pkglist[arch], rpmlist[arch] = new(bytes.Buffer), new(bytes.Buffer)
	}
	for _, rpm := range rpms {
		if !opts["debuginfo"] && koji.IsDebuginfo(rpm.Name) {
			continue
		}
		line, err := rpmLine(rpm)
		if err != nil {
			return err
		}
		path := folders[rpm.BuildID] + "/" + top.RPM(koji.NVRA{NVR: koji.NVR{Name: rpm.Name, Version: rpm.Version, Release: rpm.Release}, Arch: rpm.Arch})
		for _, arch := range repoArchesOf(rpm.Arch, arches, opts) {
			fmt.Fprintln(pkglist[arch], path)
			rpmlist[arch].Write(line)
		}
	}
	for _, arch := range arches {
		files[arch+"/pkglist"], files[arch+"/rpmlist.jsonl"] = pkglist[arch].Bytes(), rpmlist[arch].Bytes()
	}
	return nil
}

// repoArchesOf lists the folders in which an RPM of the arch belongs.
func repoArchesOf(arch string, arches []string, opts map[string]bool) (in []string) {
	for _, a := range arches {
		switch arch {
		case "src":
			if a == "src" && opts["separate_src"] || opts["src"] {
				in = append(in, a)
			}
		case "noarch":
			if a != "src" {
				in = append(in, a)
			}
		default:
			if a == koji.CanonArch(arch) {
				in = append(in, a)
			}
		}
	}
	return in
}

// listedRPM is an RPM as a line of rpmlist.jsonl, with listTaggedRPMS' keys.
type listedRPM struct {
	Arch         string `json:"arch"`
	BuildID      int64  `json:"build_id"`
	BuildrootID  *int64 `json:"buildroot_id"`
	BuildTime    int64  `json:"buildtime"`
	Draft        *bool  `json:"draft"`
	Epoch        *int64 `json:"epoch"`
	ID           int64  `json:"id"`
	MetadataOnly bool   `json:"metadata_only"`
	Name         string `json:"name"`
	PayloadHash  string `json:"payloadhash"`
	Release      string `json:"release"`
	Size         int64  `json:"size"`
	Version      string `json:"version"`
}

func rpmLine(r api.TaggedRPM) ([]byte, error) {
	line, err := json.Marshal(listedRPM{
		ID: r.ID, Name: r.Name, Version: r.Version, Release: r.Release, Epoch: r.Epoch, Arch: r.Arch, BuildID: r.BuildID,
		BuildrootID: r.BuildrootID, BuildTime: r.BuildTime, PayloadHash: r.PayloadHash, Size: r.Size, MetadataOnly: r.MetadataOnly, Draft: r.Draft,
	})
	return append(line, '\n'), err
}

func (h *Hub) writeLists(dir string, arches []string, files map[string][]byte) error {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	// A link that is right wherever the top directory is mounted: the folder is
	// repos/TAG/ID/ARCH below it.
	top := strings.Repeat("../", 4)
	for _, arch := range arches {
		if err := os.Symlink(strings.TrimSuffix(top, "/"), filepath.Join(dir, arch, "toplink")); err != nil {
			return err
		}
	}
	return nil
}
