package hub

import (
	"context"
	"path"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// cgFile is a file of an import.
type cgFile struct {
	cgOutput
	rel      string    // below work/
	extra    *string   // JSON of Extra, nil for none
	root     int       // index in cgImporter.roots
	rpm      *incoming // nil for all but RPMs
	btype    string    // of an archive, with what it wants to know
	info     map[string]any
	sumType  koji.ChecksumType
	rpms     []int64 // ids of what an archive consists of
	archives []int64
}

// readRoots reads the buildroots. Each has to have made a file.
func (c *cgImporter) readRoots(context.Context) error {
	used := map[string]bool{}
	for _, out := range c.meta.Output {
		if err := needKeys(out, "buildroot_id"); err != nil {
			return err
		}
		used[xmlrpc.Repr(out["buildroot_id"])] = true
	}
	c.roots = make([]store.NewCGBuildroot, len(c.meta.Buildroots))
	for i, data := range c.meta.Buildroots {
		if err := needKeys(data, "id", "content_generator", "container", "host", "components", "tools"); err != nil {
			return err
		}
		var root cgBuildroot
		if err := rpc.Into(data, &root); err != nil {
			return err
		}
		id := xmlrpc.Repr(root.ID)
		if !used[id] {
			return koji.GenericErrorf("Buildroot id not used in output: %s", id)
		}
		if _, ok := c.rootOf[id]; ok {
			return koji.GenericErrorf("Duplicate buildroot id in metadata: %s", id)
		}
		c.rootOf[id] = i
		c.roots[i] = root.row(c.cg.ID)
		var err error
		if c.roots[i].Extra, err = c.extra("buildroots", i); err != nil {
			return err
		}
		c.lists = append(c.lists, componentList{root.Components, &c.roots[i].RPMs, &c.roots[i].Archives})
	}
	return nil
}

func (r *cgBuildroot) row(cgID int64) store.NewCGBuildroot {
	row := store.NewCGBuildroot{
		CGID: cgID, CGVersion: r.ContentGenerator.Version, ContainerType: r.Container.Type, ContainerArch: r.Container.Arch,
		HostOS: r.Host.OS, HostArch: r.Host.Arch, Tools: map[string]string{},
	}
	for _, t := range r.Tools {
		row.Tools[t.Name] = t.Version
	}
	return row
}

// readFiles reads and verifies the files.
func (c *cgImporter) readFiles(context.Context) error {
	c.files = make([]cgFile, len(c.meta.Output))
	for i, data := range c.meta.Output {
		if err := needKeys(data, "filename", "filesize", "checksum_type", "checksum", "type"); err != nil {
			return err
		}
		f := &c.files[i]
		if err := rpc.Into(data, &f.cgOutput); err != nil {
			return err
		}
		var err error
		if f.extra, err = c.extra("output", i); err != nil {
			return err
		}
		f.rel = path.Join(c.directory, f.RelPath, f.Filename)
		if err := c.verify(f); err != nil {
			return err
		}
		var ok bool
		if f.root, ok = c.rootOf[xmlrpc.Repr(f.BuildrootID)]; !ok {
			return koji.GenericErrorf("Missing buildroot metadata for id %s", xmlrpc.Repr(f.BuildrootID))
		}
		if err := c.readFile(f); err != nil {
			return err
		}
		if f.Components != nil && f.btype != "" {
			c.lists = append(c.lists, componentList{f.Components, &f.rpms, &f.archives})
		}
	}
	return nil
}

// verify checks that a file is the one that was made. Of what is metadata only
// there is no file.
func (c *cgImporter) verify(f *cgFile) error {
	var ok bool
	if f.sumType, ok = koji.ParseChecksumType(f.ChecksumType); !ok {
		what := "verify" // Koji: another word where there is a file
		if f.MetadataOnly {
			what = "checksum"
		}
		return koji.GenericErrorf("Unsupported %s type: %s", what, f.ChecksumType)
	}
	if f.MetadataOnly {
		return nil
	}
	// Each part by itself: joined, one could lead out of the directory.
	for _, part := range []string{c.directory, f.RelPath, f.Filename} {
		if _, err := koji.Under(c.filing.work, part); part != "" && err != nil {
			return err
		}
	}
	name, err := c.filing.source(f.rel, "")
	if err != nil {
		return err
	}
	sum, err := newSum(f.ChecksumType)
	if err != nil {
		return err
	}
	size, digest, err := sumFile(name, sum)
	switch {
	case err != nil:
		return err
	case size != f.Size:
		return koji.GenericErrorf("File size %d for %s (expected %d) doesn't match. Corrupted upload?", size, f.Filename, f.Size)
	case digest != f.Checksum:
		return koji.GenericErrorf("File checksum mismatch for %s: %s != %s", f.Filename, f.Checksum, digest)
	}
	return nil
}

// readFile reads what is special about a file's type.
func (c *cgImporter) readFile(f *cgFile) (err error) {
	switch f.Type {
	case "log":
		return nil
	case "rpm":
	default:
		return c.readArchive(f)
	}
	if f.Subdir != "" {
		return koji.GenericErrorf("subdir field not allowed for rpm outputs")
	}
	if f.MetadataOnly {
		return koji.GenericErrorf("Metadata-only imports are not supported for rpms")
	}
	name, err := c.filing.source(f.rel, "")
	if err != nil {
		return err
	}
	if f.rpm, err = readRPM(name, f.rel); err != nil {
		return err
	}
	if err := f.rpm.checkSource(c.build.NVR); err != nil {
		return err
	}
	f.rpm.extra = f.extra
	return nil
}

// readArchive finds out of which build type an archive is: the one that it has
// data for.
func (c *cgImporter) readArchive(f *cgFile) error {
	several := koji.GenericErrorf("Output file has multiple types: %s", f.Filename)
	for _, btype := range legacyTypes {
		info, ok := f.Extra[btype]
		if !ok {
			continue
		}
		if f.btype != "" {
			return several
		}
		if f.Subdir != "" {
			return koji.GenericErrorf("subdir field not allowed for legacy btypes")
		}
		f.btype = btype
		f.info, _ = info.(map[string]any)
	}
	typeinfo, _ := f.Extra["typeinfo"].(map[string]any)
	for btype, info := range typeinfo {
		if f.btype == btype {
			return koji.GenericErrorf("Duplicate typeinfo for: %s", xmlrpc.Repr(btype))
		}
		if f.btype != "" {
			return several
		}
		f.btype = btype
		f.info, _ = info.(map[string]any)
	}
	if f.btype == "" {
		return koji.GenericErrorf("No typeinfo for: %s", f.Filename)
	}
	if _, ok := c.types[f.btype]; !ok {
		return koji.GenericErrorf("Output type %s not listed in build types", f.btype)
	}
	if f.Components != nil && (f.btype == "maven" || f.btype == "win") {
		return koji.GenericErrorf("Component list not allowed for archives of type %s", f.btype)
	}
	return nil
}

// recordFiles records the files and moves them to the build's directory dir.
func (c *cgImporter) recordFiles(ctx context.Context, b *api.Build, dir string) error {
	var rpms []*incoming
	var archives []newArchive
	var moves []archiveMove
	for i := range c.files {
		f := &c.files[i]
		root := &c.roots[f.root].ID
		switch {
		case f.rpm != nil:
			f.rpm.brootID, f.rpm.fileinfo = root, c.meta.Output[i]
			rpms = append(rpms, f.rpm)
			moves = append(moves, archiveMove{rel: f.rel, to: f.rpm.place(dir)})
		case f.Type == "log" && f.MetadataOnly: // nothing is recorded of logs
		case f.Type == "log":
			to, err := koji.Under(c.h.Paths.BuildLogs(b.VolumeName, b.Parts()), path.Join(f.Subdir, path.Base(f.rel)))
			if err != nil {
				return err
			}
			moves = append(moves, archiveMove{rel: f.rel, to: to})
		default:
			a := f.archive(root)
			a.about = c.meta.Output[i]
			archives = append(archives, a)
		}
	}
	if len(rpms) > 0 {
		if _, err := c.h.recordRPMs(ctx, b, rpms); err != nil {
			return err
		}
	}
	more, err := c.h.recordArchives(ctx, &c.filing, b, archives)
	if err != nil {
		return err
	}
	return c.move(append(moves, more...))
}

func (f *cgFile) archive(root *int64) newArchive {
	return newArchive{rel: f.rel, subdir: f.Subdir, info: f.info, NewArchive: store.NewArchive{
		BuildrootID: root, BType: f.btype, Filename: path.Base(f.rel), Size: f.Size, Checksum: f.Checksum, ChecksumType: f.sumType,
		MetadataOnly: f.MetadataOnly, RPMs: f.rpms, Archives: f.archives, Extra: f.extra,
	}}
}

// move makes the moves, no two of which may go to one place.
func (c *cgImporter) move(moves []archiveMove) error {
	taken := map[string]bool{}
	for _, m := range moves {
		if taken[m.to] {
			return koji.GenericErrorf("Error importing archive file, %s already exists", m.to)
		}
		taken[m.to] = true
	}
	return moveArchives(&c.filing, moves)
}
