package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// Volumes lists the storage volumes.
func (s *Store) Volumes(ctx context.Context) ([]api.IDName, error) {
	return database.All[api.IDName](ctx, s.DB, `SELECT id, name FROM volume ORDER BY id`)
}

// VolumeInUse tells whether a build is on the volume.
func (s *Store) VolumeInUse(ctx context.Context, id int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT FROM build WHERE volume_id = $1)`, id)
}

// RemoveVolume removes a storage volume.
func (s *Store) RemoveVolume(ctx context.Context, id int64) error {
	if _, err := s.Exec(ctx, `DELETE FROM volume WHERE id = $1`, id); err != nil {
		return fmt.Errorf("remove volume %d: %w", id, err)
	}
	return nil
}
