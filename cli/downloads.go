package cli

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
)

// downloader saves files of the hub in the current directory and checks them
// against what the hub's database says.
type downloader struct {
	*app
	hub         *hub
	top         koji.PathInfo // of URLs
	noProgress  bool
	count, size int // of files, for the heading of each; 0 if nobody counts
}

// rpms downloads RPMs: those that a key has signed, if one is named. Those that
// it has not are left out, or with fallback taken unsigned after the others.
func (d *downloader) rpms(ctx context.Context, b *api.BuildInfo, rpms []api.RPM, key string, fallback bool) error {
	signed, unsigned, err := d.split(ctx, rpms, key)
	if err != nil {
		return err
	}
	if !fallback {
		unsigned = nil
	}
	d.size = len(signed) + len(unsigned)
	for _, r := range signed {
		d.count++
		err := d.rpm(ctx, b, r, key)
		// Koji: the hub remembers signatures whose copies were deleted.
		if key != "" && fallback && client.IsNotFound(err) {
			printf(d.Stderr, "Signed copy not present, will download unsigned copy\n")
			err = d.rpm(ctx, b, r, "")
		}
		if err != nil {
			return err
		}
	}
	for _, r := range unsigned {
		d.count++
		if err := d.rpm(ctx, b, r, ""); err != nil {
			return err
		}
	}
	return nil
}

// split divides RPMs into those that a key has signed and the rest.
func (d *downloader) split(ctx context.Context, rpms []api.RPM, key string) (signed, unsigned []api.RPM, err error) {
	if key == "" {
		return rpms, nil, nil
	}
	var batch rpc.Batch
	results := make([]*rpc.Result[rpc.Rows[api.RPMSignature]], len(rpms))
	for i, r := range rpms {
		results[i] = rpc.Add(&batch, api.QueryRPMSigs, api.QueryRPMSigsParams{RPMID: r.ID, SigKey: &key})
	}
	if err := doAll(ctx, d.hub, &batch, results); err != nil {
		return nil, nil, err
	}
	for i, r := range rpms {
		if len(results[i].Value.List) > 0 {
			signed = append(signed, r)
			continue
		}
		printf(d.Stderr, "No such sigkey %s for rpm %s-%s.rpm\n", key, r.Parts().NVR, r.Arch)
		unsigned = append(unsigned, r)
	}
	return signed, unsigned, nil
}

// rpm downloads an RPM and checks that it is the one that the hub knows.
func (d *downloader) rpm(ctx context.Context, b *api.BuildInfo, r api.RPM, key string) error {
	path, size := d.top.RPM(r.Parts()), r.Size
	if key != "" {
		path, size = d.top.Signed(r.Parts(), key), 0 // the size of signed copies is not recorded
	}
	file := filepath.Base(path)
	if err := d.file(ctx, d.top.Build(b.VolumeName, b.Parts())+"/"+path, file, size); err != nil {
		return err
	}
	if err := checkRPM(file, r, size); err != nil {
		return errors.Join(failuref("%v, deleting", err), os.Remove(file))
	}
	return nil
}

// checkRPM compares a file with what the hub says of an RPM. A size of zero is
// not known.
func checkRPM(file string, r api.RPM, size int64) error {
	header, err := rpmfile.Open(file)
	if err != nil {
		return fmt.Errorf("Downloaded rpm %s is not valid rpm file (%w)", file, err)
	}
	if size != 0 && header.FileSize != size {
		return fmt.Errorf("Downloaded rpm %s size %d does not match db size %d", file, header.FileSize, size)
	}
	if header.PayloadHash() != r.PayloadHash {
		return fmt.Errorf("Downloaded rpm %s doesn't match db", file)
	}
	return nil
}

// archives downloads the archives of a type.
func (d *downloader) archives(ctx context.Context, b *api.BuildInfo, btype string) error {
	rows, err := rpc.Invoke(ctx, d.hub, api.ListArchives, api.ListArchivesParams{BuildID: &b.BuildID, Type: &btype})
	if err != nil {
		return err
	}
	if len(rows.List) == 0 {
		return failuref("No %s archives available for %s", btype, b.Parts())
	}
	d.size = len(rows.List)
	for _, archive := range rows.List {
		d.count++
		file := filepath.FromSlash(archiveFile(archive))
		if !filepath.IsLocal(file) {
			return failuref("The hub names a file outside of this directory: %s", file)
		}
		if err := d.file(ctx, d.top.TypeDir(b.VolumeName, b.Parts(), archive.BType)+"/"+archiveFile(archive), file, archive.Size); err != nil {
			return err
		}
		if err := checkArchive(file, archive.Archive); err != nil {
			return errors.Join(failuref("%v, deleting", err), os.Remove(file))
		}
	}
	return nil
}

// checkArchive compares a file with what the hub says of an archive.
func checkArchive(file string, archive api.Archive) error {
	hashes := map[koji.ChecksumType]func() hash.Hash{
		koji.ChecksumMD5: md5.New, koji.ChecksumSHA1: sha1.New, koji.ChecksumSHA256: sha256.New,
	}
	newHash := hashes[koji.ChecksumType(archive.ChecksumType)]
	if newHash == nil {
		return fmt.Errorf("Unknown checksum type: %d", archive.ChecksumType)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := newHash()
	n, err := io.Copy(sum, f)
	switch {
	case err != nil:
		return err
	case n != archive.Size:
		return fmt.Errorf("Downloaded archive %s size does not match db size", file)
	case hex.EncodeToString(sum.Sum(nil)) != archive.Checksum:
		return fmt.Errorf("Downloaded archive %s doesn't match checksum", file)
	}
	return nil
}

// file saves what is at a URL. A file that has the known size is there already;
// a shorter one is the beginning of an earlier attempt, to which the rest is added.
func (d *downloader) file(ctx context.Context, url, file string, size int64) error {
	if d.size > 0 {
		d.say("Downloading [%d/%d]: %s\n", d.count, d.size, file)
	} else {
		d.say("Downloading: %s\n", file)
	}
	if dir := filepath.Dir(file); dir != "." {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	var have int64
	if info, err := os.Stat(file); err == nil && size > 0 {
		have = info.Size()
	}
	mode := os.O_WRONLY | os.O_CREATE
	switch {
	case have == size && size > 0:
		d.say("File %s already downloaded, skipping\n", file)
		return nil
	case have > 0 && have < size:
		d.say("Appending to existing file %s\n", file)
		mode |= os.O_APPEND
	default:
		have = 0
		mode |= os.O_TRUNC
	}
	f, err := os.OpenFile(file, mode, 0o666)
	if err != nil {
		return err
	}
	meter := &progress{d: d, w: f, done: have, size: size}
	_, err = d.hub.DownloadFrom(ctx, url, have, meter)
	err = errors.Join(err, f.Close())
	if meter.done == 0 {
		err = errors.Join(err, os.Remove(file))
	}
	if err == nil {
		meter.finish()
	}
	return err
}

func (d *downloader) say(format string, args ...any) {
	if !d.global.quiet {
		printf(d.Stdout, format, args...)
	}
}

// progress draws how far a download is while it is written.
type progress struct {
	d          *downloader
	w          io.Writer
	done, size int64
}

func (p *progress) shown() bool { return !p.d.global.quiet && !p.d.noProgress }

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.done += int64(n)
	p.draw()
	return n, err
}

// finish ends the line. What was not known before is the size that has come.
func (p *progress) finish() {
	if p.size == 0 {
		p.size = p.done
		p.draw()
	}
	if p.shown() {
		printf(p.d.Stdout, "\n")
	}
}

func (p *progress) draw() {
	if !p.shown() {
		return
	}
	bar, percent, text := "", "???%", sizeText(float64(p.done))
	if p.size > 0 {
		part := float64(p.done) / float64(p.size)
		bar, percent = strings.Repeat("=", int(part*36)), fmt.Sprintf("%3d%%", int(part*100))
		text += " / " + sizeText(float64(p.size))
	}
	printf(p.d.Stdout, "[%-36s] %4s %10s\r", bar, percent, text)
}
