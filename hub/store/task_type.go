package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
)

// SiteType is a task type that a site has added.
type SiteType struct {
	task.Spec
	Hosts []string // that serve this version
}

const siteTypes = `
SELECT t.spec::text AS spec, ARRAY(SELECT h.name FROM toji.task_type_host s JOIN host h ON h.id = s.host_id
	WHERE s.name = t.name AND s.version = t.version ORDER BY h.name)::text[] AS hosts
FROM toji.task_type t WHERE $1 = '' OR t.name = $1 ORDER BY t.name`

// SiteTypes lists the task types that sites have added, by name.
func (s *Store) SiteTypes(ctx context.Context) ([]SiteType, error) { return s.siteTypes(ctx, "") }

// SiteType finds the type of the name that a site has added, nil if there is none.
func (s *Store) SiteType(ctx context.Context, name string) (*SiteType, error) {
	if name == "" {
		return nil, nil
	}
	list, err := s.siteTypes(ctx, name)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func (s *Store) siteTypes(ctx context.Context, name string) ([]SiteType, error) {
	type row struct {
		Spec  string   `db:"spec"`
		Hosts []string `db:"hosts"`
	}
	rows, err := database.All[row](ctx, s.DB, siteTypes, name)
	if err != nil {
		return nil, fmt.Errorf("task types of sites: %w", err)
	}
	list := make([]SiteType, len(rows))
	for i, r := range rows {
		list[i].Hosts = r.Hosts
		if err := json.Unmarshal([]byte(r.Spec), &list[i].Spec); err != nil {
			return nil, fmt.Errorf("task types of sites: %w", err)
		}
	}
	return list, nil
}

// LockSiteTypes lets one transaction at a time change the types of sites.
func (s *Store) LockSiteTypes(ctx context.Context) error {
	_, err := s.Exec(ctx, `LOCK TABLE toji.task_type IN SHARE ROW EXCLUSIVE MODE`)
	return err
}

// PutSiteType records a type, or a new version of it, as a user declares it.
func (s *Store) PutSiteType(ctx context.Context, spec task.Spec, user int64) error {
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	_, err = s.Exec(ctx, `INSERT INTO toji.task_type (name, version, spec, user_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, spec = excluded.spec, user_id = excluded.user_id, registered = now()`,
		spec.Name, spec.Version, string(text), user)
	if err != nil {
		return fmt.Errorf("record task type %s: %w", spec.Name, err)
	}
	return nil
}

// SetHostTypes records which types of sites a host serves, and no others. Tasks
// that nobody had a workflow for start now.
func (s *Store) SetHostTypes(ctx context.Context, host int64, specs []task.Spec) error {
	names, versions := make([]string, len(specs)), make([]int64, len(specs))
	for i, spec := range specs {
		names[i], versions[i] = spec.Name, spec.Version
	}
	_, err := s.Exec(ctx, `DELETE FROM toji.task_type_host WHERE host_id = $1 AND name <> ALL($2)`, host, names)
	if err == nil {
		_, err = s.Exec(ctx, `INSERT INTO toji.task_type_host (host_id, name, version)
			SELECT $1, t.name, t.version FROM unnest($2::text[], $3::int[]) AS t (name, version)
			ON CONFLICT (host_id, name) DO UPDATE SET version = excluded.version`, host, names, versions)
	}
	if err != nil {
		return fmt.Errorf("task types of host %d: %w", host, err)
	}
	return s.StartAgain(ctx, names)
}

// RemoveSiteType forgets a type. It returns false if there is none of the name.
func (s *Store) RemoveSiteType(ctx context.Context, name string) (bool, error) {
	_, err := database.One[string](ctx, s.DB, `DELETE FROM toji.task_type WHERE name = $1 RETURNING name`, name)
	if errors.Is(err, database.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// TaskType finds what is known of a method: declared in this program or by a
// site. ok is false for a method of which nothing is.
func (s *Store) TaskType(ctx context.Context, method string) (e task.Entry, ok bool, err error) {
	if e, ok = task.Lookup(method); ok {
		return e, true, nil
	}
	site, err := s.SiteType(ctx, method)
	if err != nil || site == nil {
		return e, false, err
	}
	e, err = site.Entry()
	return e, err == nil, err
}

// KnownMethods lists the methods of all task types that have a workflow.
func (s *Store) KnownMethods(ctx context.Context) ([]string, error) {
	var names []string
	for _, e := range task.All() {
		names = append(names, e.Method)
	}
	sites, err := s.SiteTypes(ctx)
	for _, t := range sites {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}
