package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// ListSignatures returns the signatures of an RPM, by a key, or both; a nil
// filter does not filter.
func (s *Store) ListSignatures(ctx context.Context, rpmID *int64, sigkey *string, opts query.Options) (rpc.Rows[api.RPMSignature], error) {
	q := query.Select{
		Columns: []query.Column{
			{Expr: "rpmsigs.rpm_id", Alias: "rpm_id"},
			{Expr: "rpmsigs.sighash", Alias: "sighash"},
			{Expr: "rpmsigs.sigkey", Alias: "sigkey"},
		},
		From:    "rpmsigs",
		Options: opts,
	}
	if rpmID != nil {
		q.Where("rpmsigs.rpm_id = ?", *rpmID)
	}
	if sigkey != nil {
		q.Where("rpmsigs.sigkey = ?", *sigkey)
	}
	return query.Stream[api.RPMSignature](ctx, s.DB, &q, nil)
}

// AddSignature records a signature; it reports false if there is one of this key.
func (s *Store) AddSignature(ctx context.Context, sig api.RPMSignature) (bool, error) {
	return s.changed(ctx, `INSERT INTO rpmsigs (rpm_id, sigkey, sighash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		sig.RPMID, sig.SigKey, sig.SigHash)
}

// AddSignatures records the signatures of new RPMs.
func (s *Store) AddSignatures(ctx context.Context, sigs []api.RPMSignature) error {
	n := len(sigs)
	ids, keys, hashes := make([]int64, n), make([]string, n), make([]string, n)
	for i, sig := range sigs {
		ids[i], keys[i], hashes[i] = sig.RPMID, sig.SigKey, sig.SigHash
	}
	_, err := s.Exec(ctx, `INSERT INTO rpmsigs (rpm_id, sigkey, sighash) SELECT * FROM unnest($1::int[], $2::text[], $3::text[])`, ids, keys, hashes)
	return err
}

// DeleteSignatures forgets signatures of an RPM, and the checksums of the copies
// that were signed with them.
func (s *Store) DeleteSignatures(ctx context.Context, rpmID int64, sigkeys []string) error {
	_, err := s.Exec(ctx, `WITH checksums AS (DELETE FROM rpm_checksum WHERE rpm_id = $1 AND sigkey = ANY($2))
		DELETE FROM rpmsigs WHERE rpm_id = $1 AND sigkey = ANY($2)`, rpmID, sigkeys)
	return err
}

// RPMChecksum is the checksum of an RPM with one of its signatures.
type RPMChecksum struct {
	SigKey   string            `db:"sigkey"`
	Type     koji.ChecksumType `db:"checksum_type"`
	Checksum *string           `db:"checksum"` // nil if it is not known
}

// RPMChecksums returns a row for each signature of an RPM and each type.
func (s *Store) RPMChecksums(ctx context.Context, rpmID int64, types []koji.ChecksumType) ([]RPMChecksum, error) {
	return database.All[RPMChecksum](ctx, s.DB, `SELECT s.sigkey, t.checksum_type, c.checksum
		FROM rpmsigs s CROSS JOIN unnest($2::int[]) AS t(checksum_type)
		LEFT JOIN rpm_checksum c ON c.rpm_id = s.rpm_id AND c.sigkey = s.sigkey AND c.checksum_type = t.checksum_type
		WHERE s.rpm_id = $1 ORDER BY s.sigkey, t.checksum_type`, rpmID, types)
}

// AddRPMChecksum records a checksum, which may be known already.
func (s *Store) AddRPMChecksum(ctx context.Context, rpmID int64, c RPMChecksum) error {
	_, err := s.Exec(ctx, `INSERT INTO rpm_checksum (rpm_id, sigkey, checksum_type, checksum) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, rpmID, c.SigKey, c.Type, c.Checksum)
	return err
}
