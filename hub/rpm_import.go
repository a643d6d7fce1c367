package hub

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
)

// incoming is an RPM that is to become part of a build.
type incoming struct {
	rel       string // below work/
	header    *rpmfile.Header
	nvra      koji.NVRA
	signature []byte // the section of the file, which signed copies are made with
	sigKey    string
	brootID   *int64
	extra     *string        // JSON that a content generator adds
	fileinfo  map[string]any // what a content generator says of the file
}

// readRPM reads and verifies the RPM at name, which was uploaded as rel.
func readRPM(name, rel string) (*incoming, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, koji.GenericErrorf("No such file: %s", name)
	}
	defer f.Close()
	in := &incoming{rel: rel}
	steps := []func() error{
		func() (err error) { in.header, err = rpmfile.Read(f); return err },
		func() (err error) { in.signature, err = rpmfile.ReadSignature(f); return err },
		func() error { return rpmfile.Verify(f) },
		func() (err error) { in.sigKey, err = in.header.SigKey(); return err },
	}
	for _, step := range steps {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		if err := step(); err != nil {
			return nil, koji.GenericErrorf("%s: %w", name, err)
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	in.header.FileSize = info.Size()
	in.nvra = in.header.NVRA()
	if in.header.Source() {
		in.nvra.Arch = "src" // Koji: also for those that lack sources ("nosrc")
	}
	if err := in.nvra.Check(); err != nil {
		return nil, err
	}
	if base := path.Base(rel); base != in.nvra.Filename() {
		return nil, koji.GenericErrorf("bad filename: %s (expected %s)", base, in.nvra.Filename())
	}
	return in, nil
}

// checkSource checks that the RPM was built from the source of an NVR, or is it.
func (in *incoming) checkSource(n koji.NVR) error {
	srpm := n.String() + ".src.rpm"
	got := path.Base(in.rel)
	if !in.header.Source() {
		got = in.header.Text("SOURCERPM")
	}
	if got != srpm {
		return koji.GenericErrorf("srpm mismatch for %s: %s (expected %s)", in.rel, got, srpm)
	}
	return nil
}

func (in *incoming) row(b *api.Build) store.NewRPM {
	return store.NewRPM{
		NVRA: in.nvra, Epoch: in.header.Epoch(), BuildID: b.ID, BuildrootID: in.brootID, Draft: b.Draft,
		PayloadHash: in.header.PayloadHash(), Size: in.header.FileSize, BuildTime: in.header.BuildTime(),
		Extra: in.extra,
	}
}

// place returns where the RPM lies in a build's directory.
func (in *incoming) place(dir string) string { return dir + "/" + koji.PathInfo{}.RPM(in.nvra) }

// recordRPMs adds the RPMs to a build: their rows, with those of the signatures
// they came with, and the signature headers' files. It returns the rows' ids.
func (h *Hub) recordRPMs(ctx context.Context, b *api.Build, rpms []*incoming) ([]int64, error) {
	rows := make([]store.NewRPM, len(rpms))
	for i, in := range rpms {
		rows[i] = in.row(b)
	}
	if err := h.Store.SetBuildType(ctx, b.ID, "rpm"); err != nil {
		return nil, err
	}
	ids, err := h.Store.AddRPMs(ctx, rows)
	if _, ok := database.IsUnique(err); ok {
		return nil, koji.GenericErrorf("an RPM of this name has been imported already")
	}
	if err != nil {
		return nil, err
	}
	sigs := make([]api.RPMSignature, len(rpms))
	for i, in := range rpms {
		sum := md5.Sum(in.signature)
		sigs[i] = api.RPMSignature{RPMID: ids[i], SigKey: in.sigKey, SigHash: hex.EncodeToString(sum[:])}
	}
	if err := h.Store.AddSignatures(ctx, sigs); err != nil {
		return nil, err
	}
	dir := h.Paths.Build(b.VolumeName, b.Parts())
	for _, in := range rpms {
		name := dir + "/" + h.Paths.SigHeader(in.nvra, in.sigKey)
		if err := writeFile(name, bytes.NewReader(in.signature)); err != nil {
			return nil, err
		}
	}
	return ids, h.publishRPMs(ctx, b, rpms, ids)
}

// publishRPMs tells that RPMs were imported.
func (h *Hub) publishRPMs(ctx context.Context, b *api.Build, rpms []*incoming, ids []int64) error {
	if !h.Messages.Enabled {
		return nil
	}
	for i, in := range rpms {
		var source, from any
		if in.header.Source() {
			source = 1
		} else {
			from = in.header.Text("SOURCERPM")
		}
		rpm := data{
			"id": ids[i], "name": in.nvra.Name, "version": in.nvra.Version, "release": in.nvra.Release, "arch": in.nvra.Arch,
			"epoch": in.header.Epoch(), "sourcepackage": source, "sourcerpm": from, "buildtime": in.header.BuildTime(),
			"draft": b.Draft, "build_id": b.ID, "buildroot_id": in.brootID, "external_repo_id": 0,
			"size": in.header.FileSize, "payloadhash": in.header.PayloadHash(),
		}
		if in.extra != nil {
			rpm["extra"] = *in.extra
		}
		more := data{"rpm": map[string]any(rpm), "filepath": h.Paths.Work("") + "/" + in.rel, "fileinfo": orNil(in.fileinfo)}
		if err := h.publishImport(ctx, "rpm", b, more); err != nil {
			return err
		}
	}
	return nil
}

// orNil is m, or nil for no map at all.
func orNil(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func (h *Hub) importRPM(ctx context.Context, p api.ImportRPMParams) (*api.ImportedRPM, error) {
	f := filing{work: h.Paths.Work("")}
	rel := path.Join(p.Path, p.Basename)
	if strings.Contains(p.Basename, "/") {
		return nil, koji.GenericErrorf("invalid path: %q", p.Basename)
	}
	from, err := f.source(rel, "")
	if err != nil {
		return nil, err
	}
	in, err := readRPM(from, rel)
	if err != nil {
		return nil, err
	}
	b, err := h.buildOfRPM(ctx, in)
	if err != nil {
		return nil, err
	}
	ids, err := h.recordRPMs(ctx, b, []*incoming{in})
	if err != nil {
		return nil, err
	}
	if err := h.Store.TouchTags(ctx, b.ID, koji.TagUpdateImport); err != nil {
		return nil, err
	}
	if err := f.move(rel, in.place(h.Paths.Build(b.VolumeName, b.Parts()))); err != nil {
		return nil, errors.Join(err, f.undo())
	}
	return importedRPM(in, ids[0], b), nil
}

// buildOfRPM returns the build that an RPM belongs to. For a source RPM it is
// made if there is none.
func (h *Hub) buildOfRPM(ctx context.Context, in *incoming) (*api.Build, error) {
	nvr := in.nvra.NVR
	if !in.header.Source() {
		source, err := koji.ParseNVRA(in.header.Text("SOURCERPM"))
		if err != nil {
			return nil, err
		}
		nvr = source.NVR
	}
	b, err := h.Store.Build(ctx, store.BuildKey{NVR: nvr})
	if err != nil {
		return nil, err
	}
	if b == nil && !in.header.Source() {
		return nil, koji.GenericErrorf("No such build")
	}
	if b == nil {
		id, err := h.newBuild(ctx, newBuild{NVR: nvr, Epoch: in.header.Epoch(), State: koji.BuildComplete})
		if err != nil {
			return nil, err
		}
		if b, err = h.Store.Build(ctx, store.BuildKey{ID: id}); err != nil {
			return nil, err
		}
	}
	switch b.State {
	case koji.BuildFailed, koji.BuildCanceled, koji.BuildDeleted:
		return nil, koji.GenericErrorf("Build is %s: %s", b.State, b.NVR)
	}
	return b, nil
}

func importedRPM(in *incoming, id int64, b *api.Build) *api.ImportedRPM {
	row := in.row(b)
	r := &api.ImportedRPM{
		Name: row.Name, Version: row.Version, Release: row.Release, Epoch: row.Epoch, Arch: row.Arch,
		BuildTime: row.BuildTime, Draft: row.Draft, ID: id, BuildID: b.ID, Size: row.Size, PayloadHash: row.PayloadHash,
		Build: b,
	}
	if in.header.Source() {
		r.SourcePackage = new(int64(1))
	} else {
		r.SourceRPM = new(in.header.Text("SOURCERPM"))
	}
	return r
}
