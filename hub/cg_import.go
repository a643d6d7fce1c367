package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// cgImporter is one import of a content generator's build. Everything is checked
// before the first change.
type cgImporter struct {
	h         *Hub
	filing    filing
	directory string // of the uploaded files, below work/
	meta      cgMetadata
	raw       []byte // the metadata's JSON
	cg        *api.IDName

	reserved *api.Build // nil for a build that is not reserved
	build    newBuild
	types    map[string]any // by build type, what the metadata says of it
	roots    []store.NewCGBuildroot
	rootOf   map[string]int // index in roots by Python's repr of the metadata's id
	files    []cgFile
	lists    []componentList
	notes    []string // what was ignored, for the build's cg_import.log
}

func (h *Hub) cgImport(ctx context.Context, p api.CGImportParams) (*api.Build, error) {
	c := cgImporter{h: h, filing: filing{work: h.Paths.Work("")}, directory: p.Directory, rootOf: map[string]int{}}
	var err error
	if c.meta, c.raw, err = h.readCGMetadata(p.Metadata, p.Directory); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{
		c.checkAccess, func(ctx context.Context) error { return c.readBuild(ctx, p.Token) },
		c.readTypes, c.readRoots, c.readFiles, c.matchComponents, c.askPolicies,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return c.record(ctx)
}

// checkAccess checks that the caller may import for the one content generator
// that all buildroots are of.
func (c *cgImporter) checkAccess(ctx context.Context) (err error) {
	var info any
	for _, root := range c.meta.Buildroots {
		cg, _ := root["content_generator"].(map[string]any)
		if err := needKeys(cg, "name", "version"); err != nil {
			return err
		}
		if info != nil && !equal(info, cg["name"]) {
			return koji.GenericErrorf("Koji now support only one content-generator per import")
		}
		info = cg["name"]
	}
	c.cg, err = c.h.importsFor(ctx, info)
	return err
}

// readBuild reads what the metadata says of the build and checks that it can be
// made, or has been reserved.
func (c *cgImporter) readBuild(ctx context.Context, token *string) error {
	var b cgBuild
	if err := rpc.Into(c.meta.Build, &b); err != nil {
		return err
	}
	if needKeys(c.meta.Build, "name", "version", "release") != nil {
		return koji.GenericErrorf("did not provide name, version, and release")
	}
	taskID, err := b.taskID()
	if err != nil {
		return err
	}
	c.build = newBuild{
		NVR:   koji.NVR{Name: b.Name, Version: b.Version, Release: b.Release},
		Epoch: b.Epoch, Draft: b.Draft, State: koji.BuildComplete, Source: b.Source, Extra: maps.Clone(b.Extra),
		TaskID: taskID, CGID: &c.cg.ID, WithFiles: true,
	}
	switch {
	case b.BuildID != 0:
		err = c.findReserved(ctx, b.BuildID, token)
	case token != nil:
		err = koji.GenericErrorf("Reservation token given, but no build_id in metadata")
	default:
		err = c.checkNew(ctx)
	}
	if err != nil {
		return err
	}
	if err := needKeys(c.meta.Build, "extra", "source", "start_time", "end_time"); err != nil {
		return err
	}
	if c.build.Start, err = timestamp(b.StartTime); err != nil {
		return err
	}
	if c.build.Completion, err = timestamp(b.EndTime); err != nil {
		return err
	}
	if c.build.OwnerID, err = c.owner(ctx, b.Owner); err != nil {
		return err
	}
	return c.build.NVR.Check()
}

func (c *cgImporter) owner(ctx context.Context, v any) (int64, error) {
	if !xmlrpc.Truth(v) {
		return session.From(ctx).UserID, nil
	}
	name, ok := v.(string)
	if !ok {
		return 0, koji.GenericErrorf("Invalid owner format (expected username): %s", pyStr(v))
	}
	user, err := c.h.User(ctx, name, true)
	if err != nil {
		return 0, err
	}
	return user.ID, nil
}

// checkNew checks that there is no build of the NVR but one that came to nothing.
func (c *cgImporter) checkNew(ctx context.Context) error {
	old, err := c.h.Store.Build(ctx, store.BuildKey{NVR: c.build.NVR})
	if err != nil || old == nil || old.State == koji.BuildFailed || old.State == koji.BuildCanceled {
		return err
	}
	return koji.GenericErrorf("Build already exists: %s (id=%d)", old.NVR, old.ID)
}

// findReserved finds the build that the metadata names, which has to be reserved
// with the token and be the one that the metadata describes.
func (c *cgImporter) findReserved(ctx context.Context, id int64, token *string) error {
	if err := c.h.Store.LockBuild(ctx, id); err != nil {
		return err
	}
	b, err := c.h.build(ctx, id, true)
	if err != nil {
		return err
	}
	if err := c.h.checkReservation(ctx, b, c.cg.ID, token); err != nil {
		return err
	}
	n := &c.build
	release := n.NVR.Release
	if b.Draft {
		release = koji.DraftRelease(release, id)
	}
	_, hasEpoch := c.meta.Build["epoch"]
	switch {
	case b.TaskID != nil && *b.TaskID != n.TaskID:
		return koji.GenericErrorf("Build is owned by task %d", *b.TaskID)
	case b.State != koji.BuildBuilding:
		return koji.GenericErrorf("Build ID %d is not in BUILDING state", id)
	case b.Draft != n.Draft:
		return koji.GenericErrorf("Draft field does not match reservation (build id = %d)", id)
	case b.Name != n.NVR.Name || b.Version != n.NVR.Version || b.Release != release:
		return koji.GenericErrorf("Build (%d) NVR is different", id)
	case hasEpoch && !samePtr(b.Epoch, n.Epoch):
		return koji.GenericErrorf("Build (%d) epoch is different", id)
	}
	c.reserved = b
	return nil
}

// readTypes reads the build types of the build.
func (c *cgImporter) readTypes(ctx context.Context) error {
	if c.build.Extra == nil {
		c.build.Extra = map[string]any{}
	}
	info, _ := c.build.Extra["typeinfo"].(map[string]any)
	c.types = maps.Clone(info)
	if c.types == nil {
		c.types = map[string]any{}
	}
	for _, btype := range legacyTypes {
		own, ok := c.build.Extra[btype]
		if !ok {
			continue
		}
		if _, ok := c.types[btype]; ok {
			return koji.GenericErrorf("Duplicate typeinfo for %s", xmlrpc.Repr(btype))
		}
		c.types[btype] = own
	}
	c.build.Extra["typeinfo"] = c.types
	for _, btype := range slices.Sorted(maps.Keys(c.types)) {
		ok, err := c.h.Store.BTypeExists(ctx, btype)
		if err != nil {
			return err
		}
		if !ok {
			return koji.GenericErrorf("No such entry in table btype: %s", btype)
		}
	}
	return nil
}

// legacyTypes are the build types that have tables of their own.
var legacyTypes = []string{"maven", "win", "image"}

// askPolicies asks whether the import is allowed and where the files go.
func (c *cgImporter) askPolicies(ctx context.Context) error {
	n := &c.build
	data := policy.Data{
		"package": n.NVR.Name, "version": n.NVR.Version, "release": n.NVR.Release, "source": n.Source, "cg_list": []any{c.cg.ID},
	}
	question := maps.Clone(data)
	maps.Copy(question, policy.Data{
		"btypes": slices.Sorted(maps.Keys(c.types)), "draft": n.Draft,
		"metadata_only": slices.ContainsFunc(c.files, func(f cgFile) bool { return f.MetadataOnly }),
	})
	if err := c.h.assertPolicy(ctx, "cg_import", question); err != nil {
		return err
	}
	maps.Copy(data, policy.Data{"import": true, "import_type": "cg"})
	volume, err := c.h.volumeFor(ctx, data)
	if err != nil {
		return err
	}
	n.VolumeID = volume.ID
	return nil
}

// record records the build and moves its files.
func (c *cgImporter) record(ctx context.Context) (*api.Build, error) {
	b, err := c.recordBuild(ctx)
	if err != nil {
		return nil, err
	}
	dir := c.h.Paths.Build(b.VolumeName, b.Parts())
	if _, err := os.Lstat(dir); err == nil {
		return nil, koji.GenericErrorf("Destination directory already exists: %s", dir)
	}
	if err := c.recordContent(ctx, b, dir); err != nil {
		return nil, errors.Join(err, c.filing.undo(), os.RemoveAll(dir))
	}
	if b, err = c.h.build(ctx, b.ID, true); err != nil {
		return nil, err
	}
	return b, c.h.publishImport(ctx, "cg", b, data{"directory": dir})
}

func (c *cgImporter) recordContent(ctx context.Context, b *api.Build, dir string) error {
	if len(c.roots) > 0 {
		if err := c.h.Store.AddCGBuildroots(ctx, c.roots); err != nil {
			return err
		}
	}
	if err := c.recordFiles(ctx, b, dir); err != nil {
		return err
	}
	if err := writeFile(dir+"/metadata.json", bytes.NewReader(c.raw)); err != nil {
		return err
	}
	if len(c.notes) > 0 {
		log := strings.Join(append(c.notes, "CG import was SUCCESSFUL."), "\n") + "\n"
		if err := writeFile(dir+"/data/logs/cg_import.log", strings.NewReader(log)); err != nil {
			return err
		}
	}
	return c.h.linkToVolume(b)
}

func (c *cgImporter) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// recordBuild makes the build, or completes the reserved one, with its types.
func (c *cgImporter) recordBuild(ctx context.Context) (b *api.Build, err error) {
	var id int64
	if c.reserved == nil {
		id, err = c.h.newBuild(ctx, c.build)
	} else {
		id = c.reserved.ID
		var row store.NewBuild
		if row, err = c.build.row(); err == nil {
			err = c.h.Store.CompleteReserved(ctx, id, row)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, btype := range slices.Sorted(maps.Keys(c.types)) {
		info, _ := c.types[btype].(map[string]any)
		switch btype {
		case "maven":
			err = c.h.setMavenBuild(ctx, id, info)
		case "win":
			err = c.h.setWinBuild(ctx, id, info)
		case "image":
			err = c.h.setImageBuild(ctx, id)
		default:
			err = c.h.Store.SetBuildType(ctx, id, btype)
		}
		if err != nil {
			return nil, err
		}
	}
	return c.h.build(ctx, id, true)
}

// rawJSON returns the JSON of what a content generator adds, nil for nothing.
func rawJSON(extra map[string]any) (json.RawMessage, error) {
	if extra == nil {
		return nil, nil
	}
	return json.Marshal(extra)
}
