package hub

import (
	"context"
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
	"github.com/toji-build/toji/koji/pyjson"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// cgImporter is one import of a content generator's build. Everything is checked
// before the first change.
type cgImporter struct {
	h         *Hub
	filing    filing
	directory string // of the uploaded files, below work/
	meta      cgMetadata
	said      xmlrpc.Ordered // the metadata with its members in their order
	raw       string         // and as JSON
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
	if c.said, c.raw, err = h.readCGMetadata(p.Metadata, p.Directory); err != nil {
		return nil, err
	}
	if err := rpc.Into(c.said, &c.meta); err != nil {
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
	var first any
	for _, root := range c.meta.Buildroots {
		cg, _ := root["content_generator"].(map[string]any)
		if err := needKeys(cg, "name", "version"); err != nil {
			return err
		}
		switch {
		case first == nil:
			first = cg["name"]
		case !equal(first, cg["name"]):
			return c.otherGenerators(ctx, first, cg["name"])
		}
	}
	c.cg, err = c.h.importsFor(ctx, first)
	return err
}

// otherGenerators is the error for a metadata of several content generators; one
// that is unknown is told first.
func (c *cgImporter) otherGenerators(ctx context.Context, names ...any) error {
	for _, name := range names {
		if _, err := c.h.Lookup(ctx, store.ContentGenerators, name, true); err != nil {
			return err
		}
	}
	return koji.GenericErrorf("Koji now support only one content-generator per import")
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
		Epoch: b.Epoch, Draft: b.Draft, State: koji.BuildComplete, Source: b.Source, Extra: slices.Clone(asOrdered(asOrdered(c.said.Get("build")).Get("extra"))),
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
	types := append(xmlrpc.Ordered{}, asOrdered(c.build.Extra.Get("typeinfo"))...)
	named, given := types.Map(), c.build.Extra.Map()
	for _, btype := range legacyTypes {
		if _, ok := given[btype]; !ok {
			continue
		}
		if _, ok := named[btype]; ok {
			return koji.GenericErrorf("Duplicate typeinfo for %s", xmlrpc.Repr(btype))
		}
		types.Set(btype, c.build.Extra.Get(btype))
	}
	c.build.Extra.Set("typeinfo", types)
	c.types = types.Map()
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
	return b, c.h.publishImport(ctx, "cg", b, data{"metadata": c.said, "directory": c.directory})
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
	if err := writeFile(dir+"/metadata.json", strings.NewReader(c.raw)); err != nil {
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

// asOrdered returns a struct of the metadata, nil if v is none.
func asOrdered(v any) xmlrpc.Ordered {
	var o xmlrpc.Ordered
	_ = o.UnmarshalXMLRPC(v) // what is no struct has been refused, or is of no account
	return o
}

// extra returns the JSON of what the metadata's item i of a list has as extra data,
// nil for none.
func (c *cgImporter) extra(list string, i int) (*string, error) {
	items, _ := c.said.Get(list).([]any)
	extra := asOrdered(asOrdered(items[i]).Get("extra"))
	if extra == nil {
		return nil, nil
	}
	text, err := pyjson.Format(extra)
	return &text, err
}
