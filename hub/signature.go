package hub

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindSignatures(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.QueryRPMSigs, h.queryRPMSigs)
	rpc.Bind(r, api.AddRPMSig, h.addRPMSig)
	rpc.Bind(r, api.WriteSignedRPM, h.writeSignedRPM)
	rpc.Bind(r, api.HostWriteSignedRPM, h.writeSignedRPM)
	rpc.Bind(r, api.DeleteRPMSig, h.deleteRPMSig)
	rpc.Bind(r, api.GetRPMChecksums, h.getRPMChecksums)
}

func (h *Hub) queryRPMSigs(ctx context.Context, p api.QueryRPMSigsParams) (none rpc.Rows[api.RPMSignature], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	var rpmID *int64
	switch id := p.RPMID.(type) {
	case nil:
	case int64:
		rpmID = &id
	default:
		r, err := h.rpm(ctx, id, false)
		if err != nil || r == nil {
			return none, err
		}
		rpmID = &r.ID
	}
	if p.SigKey != nil {
		p.SigKey = new(strings.ToLower(*p.SigKey))
	}
	return h.Store.ListSignatures(ctx, rpmID, p.SigKey, opts)
}

// signable is an RPM of this system whose file is there.
type signable struct {
	rpm  *api.RPM
	dir  string // of its build
	path string
}

func (h *Hub) signable(ctx context.Context, ref any) (*signable, error) {
	r, err := h.rpm(ctx, ref, true)
	if err != nil {
		return nil, err
	}
	if r.BuildID == nil {
		return nil, koji.GenericErrorf("Not an internal rpm: %s (from %s)", pyStr(ref), text(r.ExternalRepoName))
	}
	b, err := h.Store.Build(ctx, store.BuildKey{ID: *r.BuildID})
	if err != nil {
		return nil, err
	}
	s := &signable{rpm: r, dir: h.Paths.Build(b.VolumeName, b.Parts())}
	s.path = s.dir + "/" + h.Paths.RPM(r.Parts())
	return s, nil
}

// header returns where the signature header of a key is kept.
func (s *signable) header(sigkey string) string {
	return s.dir + "/" + koji.PathInfo{}.SigHeader(s.rpm.Parts(), sigkey)
}

// copy returns where the copy signed with a key lies.
func (s *signable) copy(sigkey string) string {
	return s.dir + "/" + koji.PathInfo{}.Signed(s.rpm.Parts(), sigkey)
}

func (h *Hub) addRPMSig(ctx context.Context, p api.AddRPMSigParams) (rpc.None, error) {
	s, err := h.signable(ctx, p.RPM)
	if err != nil {
		return rpc.None{}, err
	}
	if info, err := os.Stat(s.dir); err != nil || !info.IsDir() {
		return rpc.None{}, koji.GenericErrorf("No such directory: %s", s.dir)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(p.Data), ""))
	if err != nil {
		return rpc.None{}, koji.GenericErrorf("signature header: %v", err)
	}
	header, err := rpmfile.ParseSignature(raw)
	if err != nil {
		return rpc.None{}, koji.GenericErrorf("signature header: %v", err)
	}
	nvra := s.rpm.Parts()
	if header.PayloadHash() != s.rpm.PayloadHash {
		return rpc.None{}, koji.GenericErrorf("wrong md5 for %s: %s", nvra, header.PayloadHash())
	}
	key, err := header.SigKey()
	if err != nil {
		return rpc.None{}, koji.GenericErrorf("signature header: %v", err)
	}
	sum := md5.Sum(raw)
	added, err := h.Store.AddSignature(ctx, api.RPMSignature{RPMID: s.rpm.ID, SigKey: key, SigHash: hex.EncodeToString(sum[:])})
	if err != nil {
		return rpc.None{}, err
	}
	if !added {
		return rpc.None{}, koji.GenericErrorf("Signature already exists for package %s, key %s", nvra, key)
	}
	if err := writeFile(s.header(key), bytes.NewReader(raw)); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.publishSignature(ctx, s, key, hex.EncodeToString(sum[:]))
}

// publishSignature tells that an RPM was signed; an RPM without a signature has
// a row among the signatures, too, which is worth no message.
func (h *Hub) publishSignature(ctx context.Context, s *signable, key, hash string) error {
	if key == "" || !h.Messages.Enabled {
		return nil
	}
	b, err := h.build(ctx, *s.rpm.BuildID, true)
	if err != nil {
		return err
	}
	nvra := s.rpm.Parts()
	props := data{
		"type": "RPMSign", "sigkey": key, "name": b.Name, "version": b.Version, "release": b.Release,
		"rpm_name": nvra.Name, "rpm_version": nvra.Version, "rpm_release": nvra.Release, "rpm_arch": nvra.Arch,
	}
	return h.publish(ctx, "sign.rpm", props, data{"sigkey": key, "sighash": hash, "build": h.about(b), "rpm": s.rpm})
}

func (h *Hub) writeSignedRPM(ctx context.Context, p api.WriteSignedRPMParams) (rpc.None, error) {
	s, err := h.signable(ctx, p.RPM)
	if err != nil {
		return rpc.None{}, err
	}
	if !isRegular(s.path) {
		return rpc.None{}, koji.GenericErrorf("No such path: %s", s.path)
	}
	key := strings.ToLower(p.SigKey)
	known, err := loaded(h.Store.ListSignatures(ctx, &s.rpm.ID, &key, query.Options{}))
	if err != nil {
		return rpc.None{}, err
	}
	if len(known) == 0 {
		return rpc.None{}, koji.GenericErrorf("No cached signature for package %s, key %s", s.rpm.Parts(), key)
	}
	if p.Force || !isRegular(s.copy(key)) {
		signed, err := s.open(key)
		if err != nil {
			return rpc.None{}, err
		}
		err = writeFile(s.copy(key), signed)
		if err = errors.Join(err, signed.Close()); err != nil {
			return rpc.None{}, err
		}
	}
	types, err := h.checksumTypes(nil)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.addChecksums(ctx, s, key, types)
}

// signedReader reads an RPM with another signature than its file has.
type signedReader struct {
	io.Reader
	io.Closer
}

// open returns the RPM as signed with a key whose signature header is kept.
func (s *signable) open(sigkey string) (io.ReadCloser, error) {
	signature, err := os.ReadFile(s.header(sigkey))
	if err != nil {
		return nil, s.missing(err, "signature by "+sigkey)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, s.missing(err, "file")
	}
	signed, err := rpmfile.Splice(f, signature)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return signedReader{signed, f}, nil
}

// missing makes a fault of a file that is not there. Koji: clients of its hub get
// to see Python's error.
func (s *signable) missing(err error, what string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return koji.GenericErrorf("The %s of %s is not there", what, s.rpm.Parts())
	}
	return err
}

func (h *Hub) deleteRPMSig(ctx context.Context, p api.DeleteRPMSigParams) (rpc.None, error) {
	if p.AllSigs {
		p.SigKey = nil
	} else if text(p.SigKey) == "" {
		return rpc.None{}, koji.GenericErrorf("No signature specified")
	}
	s, err := h.signable(ctx, p.RPMInfo)
	if err != nil {
		return rpc.None{}, err
	}
	found, err := loaded(h.Store.ListSignatures(ctx, &s.rpm.ID, p.SigKey, query.Options{}))
	if err != nil {
		return rpc.None{}, err
	}
	if len(found) == 0 {
		return rpc.None{}, koji.GenericErrorf("%s has no matching signatures to delete", s.rpm.Parts())
	}
	keys := make([]string, len(found))
	for i, sig := range found {
		keys[i] = sig.SigKey
	}
	if err := h.Store.DeleteSignatures(ctx, s.rpm.ID, keys); err != nil {
		return rpc.None{}, err
	}
	database.AfterCommit(ctx, func() {
		for _, sig := range found {
			if err := s.forget(sig); err != nil {
				h.Log.ErrorContext(ctx, "signature deleted, but not all of its files", "rpm", s.rpm.Parts().String(), obs.Error, err)
			}
		}
	})
	return rpc.None{}, nil
}

// forget deletes the copy signed with a key. Koji: the signature header is kept
// under another name, should somebody have been mistaken.
func (s *signable) forget(sig api.RPMSignature) error {
	kept := s.header(sig.SigKey)
	err := os.Rename(kept, kept+"."+sig.SigHash+".save")
	for _, err := range []*error{&err, new(os.Remove(s.copy(sig.SigKey)))} {
		if !errors.Is(*err, fs.ErrNotExist) && *err != nil {
			return *err
		}
	}
	return nil
}

// checksumTypes reads names of checksum types; nil is the hub's default.
func (h *Hub) checksumTypes(v any) ([]koji.ChecksumType, error) {
	names := h.Config.RPMDefaultChecksums
	if xmlrpc.Truth(v) {
		list, ok := v.([]any)
		if !ok {
			return nil, koji.GenericErrorf("checksum_type must be a list")
		}
		names = nil
		for _, name := range list {
			names = append(names, pyStr(name))
		}
	}
	types := make([]koji.ChecksumType, len(names))
	for i, name := range names {
		t, ok := koji.ParseChecksumType(name)
		if !ok {
			return nil, koji.GenericErrorf("Checksum_type %s isn't supported", name)
		}
		types[i] = t
	}
	return types, nil
}

// addChecksums computes and records checksums of an RPM as signed with a key.
func (h *Hub) addChecksums(ctx context.Context, s *signable, sigkey string, types []koji.ChecksumType) error {
	f, err := s.open(sigkey)
	if err != nil {
		return err
	}
	defer f.Close()
	sums := make([]hash.Hash, len(types))
	writers := make([]io.Writer, len(types))
	for i, t := range types {
		switch t {
		case koji.ChecksumMD5:
			sums[i] = md5.New()
		case koji.ChecksumSHA1:
			sums[i] = sha1.New()
		default:
			sums[i] = sha256.New()
		}
		writers[i] = sums[i]
	}
	if _, err := io.Copy(io.MultiWriter(writers...), f); err != nil {
		return err
	}
	for i, t := range types {
		sum := hex.EncodeToString(sums[i].Sum(nil))
		if err := h.Store.AddRPMChecksum(ctx, s.rpm.ID, store.RPMChecksum{SigKey: sigkey, Type: t, Checksum: &sum}); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hub) getRPMChecksums(ctx context.Context, p api.GetRPMChecksumsParams) (map[string]any, error) {
	id, ok := p.RPMID.(int64)
	if !ok {
		return nil, koji.GenericErrorf("rpm_id must be an integer")
	}
	s, err := h.signable(ctx, id)
	if err != nil {
		return nil, err
	}
	types, err := h.checksumTypes(p.ChecksumTypes)
	if err != nil {
		return nil, err
	}
	rows, err := h.Store.RPMChecksums(ctx, id, types)
	if err != nil {
		return nil, err
	}
	missing := map[string][]koji.ChecksumType{}
	for _, row := range rows {
		if row.Checksum == nil && !p.CacheOnly {
			missing[row.SigKey] = append(missing[row.SigKey], row.Type)
		}
	}
	for key, types := range missing {
		if err := h.addChecksums(ctx, s, key, types); err != nil {
			return nil, err
		}
	}
	if len(missing) > 0 {
		if rows, err = h.Store.RPMChecksums(ctx, id, types); err != nil {
			return nil, err
		}
	}
	byKey := map[string]any{}
	for _, row := range rows {
		sums, ok := byKey[row.SigKey].(map[string]any)
		if !ok {
			sums = map[string]any{}
			byKey[row.SigKey] = sums
		}
		sums[row.Type.String()] = row.Checksum
	}
	return byKey, nil
}
