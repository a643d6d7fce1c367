package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// componentList are the things in a buildroot or an archive, and where the ids of
// those that are known go.
type componentList struct {
	components     []map[string]any
	rpms, archives *[]int64
}

// cgComponent is one of them: an RPM, a file of any build, or an archive of the
// hub's by its id.
type cgComponent struct {
	Type string `rpc:"type"` // rpm, file or kojifile

	Name    string `rpc:"name"` // RPM
	Version string `rpc:"version"`
	Release string `rpc:"release"`
	Arch    string `rpc:"arch"`
	SigMD5  string `rpc:"sigmd5"`

	Filename     string `rpc:"filename"` // file
	Size         int64  `rpc:"filesize"`
	Checksum     string `rpc:"checksum"`
	ChecksumType string `rpc:"checksum_type"`

	ArchiveID int64 `rpc:"archive_id"` // kojifile

	raw  map[string]any
	list componentList
}

// matchComponents finds the components of all buildroots and archives. RPMs and
// files that the hub does not know are left out: they may be from outside.
func (c *cgImporter) matchComponents(ctx context.Context) error {
	byType := map[string][]cgComponent{}
	for _, list := range c.lists {
		for _, raw := range list.components {
			comp := cgComponent{raw: raw, list: list}
			if err := rpc.Into(raw, &comp); err != nil {
				return err
			}
			if err := comp.check(); err != nil {
				return err
			}
			byType[comp.Type] = append(byType[comp.Type], comp)
		}
	}
	if err := c.matchRPMs(ctx, byType["rpm"]); err != nil {
		return err
	}
	if err := c.matchFiles(ctx, byType["file"]); err != nil {
		return err
	}
	return c.matchKojiFiles(ctx, byType["kojifile"])
}

func (c *cgComponent) check() error {
	switch c.Type {
	case "rpm":
		if _, ok := c.raw["location"]; ok {
			return koji.GenericErrorf("External rpms not allowed")
		}
		if _, ok := c.raw["id"]; ok {
			return koji.GenericErrorf("Unexpected 'id' field in component")
		}
		return needKeys(c.raw, "name", "version", "release", "arch", "sigmd5")
	case "file":
		return needKeys(c.raw, "filename", "filesize", "checksum", "checksum_type")
	case "kojifile":
		return needKeys(c.raw, "archive_id")
	}
	return koji.GenericErrorf("No such component type: %s", c.Type)
}

func (c *cgImporter) matchRPMs(ctx context.Context, comps []cgComponent) error {
	wanted := make([]store.WantedRPM, len(comps))
	for i, comp := range comps {
		wanted[i].NVRA = koji.NVRA{NVR: koji.NVR{Name: comp.Name, Version: comp.Version, Release: comp.Release}, Arch: comp.Arch}
	}
	found, err := c.h.Store.FindRPMs(ctx, wanted)
	if err != nil {
		return err
	}
	for i, f := range found {
		switch {
		case f.ID == nil:
			c.note("IGNORING unmatched rpm component: %s", xmlrpc.Repr(comps[i].raw))
			continue
		case f.Draft:
			return koji.GenericErrorf("Draft rpm not supported")
		case f.PayloadHash == nil || *f.PayloadHash != comps[i].SigMD5:
			// Koji: it counts all the same.
			c.note("IGNORING rpm component (md5 mismatch): %s", xmlrpc.Repr(comps[i].raw))
		}
		*comps[i].list.rpms = append(*comps[i].list.rpms, *f.ID)
	}
	return nil
}

func (c *cgImporter) matchFiles(ctx context.Context, comps []cgComponent) error {
	wanted := make([]store.WantedFile, len(comps))
	for i, comp := range comps {
		sumType, ok := koji.ParseChecksumType(comp.ChecksumType)
		if !ok {
			return koji.GenericErrorf("Unsupported checksum type: %s", comp.ChecksumType)
		}
		wanted[i] = store.WantedFile{Filename: comp.Filename, Size: comp.Size, Checksum: comp.Checksum, ChecksumType: sumType}
	}
	found, err := c.h.Store.FindFiles(ctx, wanted)
	if err != nil {
		return err
	}
	for i, id := range found {
		if id == nil {
			c.note("Failed to match archive %s (size %d, sum %s", comps[i].Filename, comps[i].Size, comps[i].Checksum)
			c.note("IGNORING unmatched archive: %s", xmlrpc.Repr(comps[i].raw))
			continue
		}
		*comps[i].list.archives = append(*comps[i].list.archives, *id)
	}
	return nil
}

func (c *cgImporter) matchKojiFiles(ctx context.Context, comps []cgComponent) error {
	ids := make([]int64, len(comps))
	for i, comp := range comps {
		ids[i] = comp.ArchiveID
	}
	rows, err := c.h.Store.KojiFiles(ctx, ids)
	if err != nil {
		return err
	}
	byID := map[int64]store.KojiFile{}
	for _, row := range rows {
		byID[row.ID] = row
	}
	for _, comp := range comps {
		row, ok := byID[comp.ArchiveID]
		if !ok {
			return koji.GenericErrorf("No such archive: %d", comp.ArchiveID)
		}
		if err := comp.checkKojiFile(row); err != nil {
			return err
		}
		*comp.list.archives = append(*comp.list.archives, row.ID)
	}
	return nil
}

// checkKojiFile checks that a component is the archive that its id names.
func (c *cgComponent) checkKojiFile(row store.KojiFile) error {
	for _, key := range []string{"nvr", "filename"} {
		if _, ok := c.raw[key]; !ok {
			return koji.GenericErrorf("%s field missing for component, archive_id=%d", key, row.ID)
		}
	}
	for _, field := range []struct {
		key  string
		want any
	}{
		{"nvr", row.NVR}, {"filename", row.Filename}, {"filesize", row.Size}, {"checksum", row.Checksum},
		{"checksum_type", row.ChecksumType.String()},
	} {
		got, ok := c.raw[field.key]
		if !ok || equal(got, field.want) {
			continue
		}
		// Koji: a checksum type may come as its number, too.
		if field.key == "checksum_type" && equal(got, int64(row.ChecksumType)) {
			continue
		}
		return koji.GenericErrorf("Component field %s does not match for archive_id=%d: %s != %s",
			field.key, row.ID, xmlrpc.Repr(field.want), pyStr(got))
	}
	return nil
}
