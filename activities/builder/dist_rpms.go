package builder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// distRPM is an RPM of a dist repo, as it stands in kojipkgs.
type distRPM struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	Version     string  `json:"version"`
	Release     string  `json:"release"`
	Epoch       *int64  `json:"epoch"`
	Arch        string  `json:"arch"`
	Size        int64   `json:"size"`
	PayloadHash string  `json:"payloadhash"`
	BuildTime   int64   `json:"buildtime"`
	BuildID     int64   `json:"build_id"`
	BuildrootID *int64  `json:"buildroot_id"`
	SigKey      *string `json:"sigkey"`              // of the wanted signature; nil for none
	Subrepo     string  `json:"_subrepo,omitempty"`  // the part that it is split off into
	Multilib    bool    `json:"_multilib,omitempty"` // the 32-bit flavour in a 64-bit repository
	Path        string  `json:"_pkgpath"`

	keys []string // of all signatures that there are
	rel  string   // path below the top directory
}

func (r *distRPM) nvra() koji.NVRA {
	return koji.NVRA{NVR: koji.NVR{Name: r.Name, Version: r.Version, Release: r.Release}, Arch: r.Arch}
}

// choose picks the copy of each RPM of the tag that goes into the repository: the
// one signed with the first of the wanted keys that it has.
func (d *distJob) choose(ctx context.Context) ([]*distRPM, error) {
	rpms, err := d.tagged(ctx)
	if err != nil {
		return nil, err
	}
	wanted := make([]string, len(d.params.Keys))
	for i, key := range d.params.Keys {
		wanted[i] = strings.ToLower(key)
	}
	for _, r := range rpms {
		r.SigKey = pickKey(wanted, r.keys)
	}
	if d.params.Opts.WriteSignedRPMs {
		if err := d.writeSigned(ctx, rpms); err != nil {
			return nil, err
		}
	}
	var chosen, unsigned []*distRPM
	for _, r := range rpms {
		if r.SigKey == nil {
			unsigned = append(unsigned, r)
			if d.params.Opts.SkipMissingSignatures {
				continue
			}
		}
		chosen = append(chosen, r)
	}
	if err := d.findFiles(ctx, chosen); err != nil {
		return nil, err
	}
	return chosen, d.reportUnsigned(ctx, wanted, unsigned)
}

// pickKey returns the key among those there are that stands first in wanted.
func pickKey(wanted, there []string) *string {
	for _, key := range wanted {
		i := slices.IndexFunc(there, func(k string) bool { return strings.EqualFold(k, key) })
		if i >= 0 {
			return &there[i]
		}
	}
	return nil
}

// tagged lists the RPMs of the tag for this arch.
func (d *distJob) tagged(ctx context.Context) ([]*distRPM, error) {
	p := d.params
	answer, err := rpc.Invoke(ctx, d.hub, api.ListTaggedRPMS, api.ListTaggedRPMSParams{
		Tag: d.info.TagID, Event: p.Opts.Event, Inherit: p.Opts.Inherit, Latest: p.Opts.Latest,
		Arch: koji.PackageArches(p.Arch), RPMSigs: true, Strict: true,
	})
	if err != nil {
		return nil, err
	}
	var list []api.TaggedRPM
	var builds []api.TaggedBuild
	if len(answer) != 2 {
		return nil, infrastructure(fmt.Errorf("listTaggedRPMS answered %d lists", len(answer)))
	}
	if err := rpc.Into(answer[0], &list); err != nil {
		return nil, infrastructure(err)
	}
	if err := rpc.Into(answer[1], &builds); err != nil {
		return nil, infrastructure(err)
	}
	folders := make(map[int64]string, len(builds))
	for _, b := range builds {
		if b.Draft {
			return nil, koji.BuildErrorf("Draft build: %s is not allowed", b.NVR)
		}
		folders[b.ID] = koji.PathInfo{TopDir: "."}.Build(b.VolumeName, koji.NVR{Name: b.Name, Version: b.Version, Release: b.Release})
	}
	byID := map[int64]*distRPM{}
	var rpms []*distRPM
	for _, row := range list {
		r := byID[row.ID]
		if r == nil {
			r = &distRPM{
				ID: row.ID, Name: row.Name, Version: row.Version, Release: row.Release, Epoch: row.Epoch, Arch: row.Arch, Size: row.Size,
				PayloadHash: row.PayloadHash, BuildTime: row.BuildTime, BuildID: row.BuildID, BuildrootID: row.BuildrootID,
				rel: filepath.Clean(folders[row.BuildID]),
			}
			if p.Opts.SplitDebuginfo && koji.IsDebuginfo(row.Name) {
				r.Subrepo = debugPart
			}
			byID[row.ID] = r
			rpms = append(rpms, r)
		}
		r.keys = append(r.keys, value(row.SigKey))
	}
	return rpms, nil
}

// signAtOnce is how many signed copies are asked for in one call.
const signAtOnce = 1000

// writeSigned has the hub write the signed copies. Whether one is missing in the
// end is found out later.
func (d *distJob) writeSigned(ctx context.Context, rpms []*distRPM) error {
	var log strings.Builder
	signed := slices.DeleteFunc(slices.Clone(rpms), func(r *distRPM) bool { return r.SigKey == nil })
	for part := range slices.Chunk(signed, signAtOnce) {
		var batch rpc.Batch
		results := make([]*rpc.Result[rpc.None], len(part))
		for i, r := range part {
			results[i] = rpc.Add(&batch, api.HostWriteSignedRPM, api.WriteSignedRPMParams{RPM: r.ID, SigKey: *r.SigKey})
		}
		if err := batch.Do(ctx, d.hub); err != nil {
			return err
		}
		for i, r := range part {
			if err := results[i].Err; err != nil {
				fmt.Fprintf(&log, "FAILED: Signed RPM %d is not written with %s key, error: %v\n", r.ID, *r.SigKey, err)
			} else {
				fmt.Fprintf(&log, "Signed RPM %d is written with %s key.\n", r.ID, *r.SigKey)
			}
		}
	}
	if log.Len() == 0 {
		return nil
	}
	return d.sendText(ctx, "written_signed_rpms.log", log.String())
}

// findFiles fills in the paths. Koji: the texts are kojid's.
func (d *distJob) findFiles(ctx context.Context, rpms []*distRPM) error {
	var mu sync.Mutex
	var missing []string
	fetches, ctx := errgroup.WithContext(ctx)
	fetches.SetLimit(fetchAtOnce)
	for _, r := range rpms {
		name := koji.PathInfo{}.RPM(r.nvra())
		if r.SigKey != nil {
			name = koji.PathInfo{}.Signed(r.nvra(), *r.SigKey)
		}
		rel := r.rel + "/" + name
		r.Path = filepath.Join(d.top, rel)
		fetches.Go(func() error {
			ok, err := d.hasFile(ctx, rel, r.Path)
			if err == nil && !ok {
				mu.Lock()
				missing = append(missing, d.nameOf(rel))
				mu.Unlock()
			}
			return err
		})
	}
	if err := fetches.Wait(); err != nil || len(missing) == 0 {
		return err
	}
	slices.Sort(missing)
	log := "Some rpm files were missing.\nMost likely, you want to create these signed copies.\n\nMissing files:\n" +
		strings.Join(missing, "\n") + "\n"
	if err := d.sendText(context.WithoutCancel(ctx), "missing_files.log", log); err != nil {
		return err
	}
	return koji.GenericErrorf("Packages missing from the filesystem. See missing_files.log.")
}

// nameOf is how people find a file of the hub.
func (d *distJob) nameOf(rel string) string { return filepath.Join(d.cfg.TopDir, rel) }

// hasFile tells whether the hub has a file, which it fetches where the hub's
// files are not mounted.
func (d *distJob) hasFile(ctx context.Context, rel, path string) (bool, error) {
	if _, err := os.Stat(path); err == nil {
		return true, nil
	}
	if d.cfg.TopDir != "" {
		return false, nil
	}
	return d.fetchIfThere(ctx, rel, path)
}

// reportUnsigned writes a log about RPMs without a wanted signature, and refuses
// them unless the options say otherwise.
func (d *distJob) reportUnsigned(ctx context.Context, wanted []string, rpms []*distRPM) error {
	if len(rpms) == 0 {
		return nil
	}
	var log strings.Builder
	log.WriteString("Some rpms were missing requested signatures.\n")
	o := d.params.Opts
	if o.SkipMissingSignatures {
		log.WriteString("The skip_missing_signatures option was specified, so these files were excluded.\n")
	}
	fmt.Fprintf(&log, "Requested keys: %s\n\n# RPM name: available keys\n", xmlrpc.Repr(anys(wanted)))
	slices.SortFunc(rpms, func(a, b *distRPM) int { return strings.Compare(a.nvra().String(), b.nvra().String()) })
	for _, r := range rpms {
		fmt.Fprintf(&log, "%s: %s\n", r.nvra(), xmlrpc.Repr(anys(r.keys)))
	}
	if err := d.sendText(ctx, "missing_signatures.log", log.String()); err != nil {
		return err
	}
	if o.SkipMissingSignatures || o.AllowMissingSignatures {
		return nil
	}
	return koji.GenericErrorf("Unsigned packages found. See missing_signatures.log")
}

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}
