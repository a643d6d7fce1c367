package store

import (
	"context"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// ExternalRepoFilter chooses external repositories; what is empty does not count.
type ExternalRepoFilter struct {
	Repo    *Ref
	URL     string
	Event   *int64
	Options query.Options
}

// ListExternalRepos lists external repositories.
func (s *Store) ListExternalRepos(ctx context.Context, f ExternalRepoFilter) (rpc.Rows[api.ExternalRepo], error) {
	q := query.Select{From: "external_repo", Options: f.Options, DefaultOrder: "external_repo_config.create_event, external_repo.id", Columns: []query.Column{
		{Expr: "id", Alias: "id"}, {Expr: "name", Alias: "name"}, {Expr: "url", Alias: "url"},
	}}
	q.Join("external_repo_config ON external_repo_config.external_repo_id = external_repo.id")
	q.WhereActive("external_repo_config", f.Event)
	if f.Repo != nil {
		f.Repo.where(&q, "external_repo")
	}
	if f.URL != "" {
		q.Where("url = ?", f.URL)
	}
	return query.Rows[api.ExternalRepo](ctx, s.DB, &q)
}

// TagRepoFilter chooses what tags have which external repositories; what is nil
// does not count.
type TagRepoFilter struct {
	TagIDs []int64
	RepoID *int64
	Event  *int64
}

// TagExternalRepos lists what tags have which external repositories, by priority.
func (s *Store) TagExternalRepos(ctx context.Context, f TagRepoFilter) ([]api.TagExternalRepo, error) {
	q := query.Select{From: "tag_external_repos", Columns: []query.Column{
		{Expr: "external_repo.id", Alias: "external_repo_id"}, {Expr: "external_repo.name", Alias: "external_repo_name"},
		{Expr: "tag_external_repos.priority", Alias: "priority"}, {Expr: "tag.id", Alias: "tag_id"},
		{Expr: "tag.name", Alias: "tag_name"}, {Expr: "external_repo_config.url", Alias: "url"},
		{Expr: "tag_external_repos.merge_mode", Alias: "merge_mode"}, {Expr: "tag_external_repos.arches", Alias: "arches"},
	}}
	q.Join("tag ON tag_external_repos.tag_id = tag.id")
	q.Join("external_repo ON tag_external_repos.external_repo_id = external_repo.id")
	q.Join("external_repo_config ON external_repo_config.external_repo_id = external_repo.id")
	q.WhereActive("tag_external_repos", f.Event)
	q.WhereActive("external_repo_config", f.Event)
	if f.TagIDs != nil {
		q.Where("tag.id = ANY(?)", f.TagIDs)
	}
	if f.RepoID != nil {
		q.Where("external_repo.id = ?::int8", *f.RepoID)
	}
	q.DefaultOrder = "tag_external_repos.priority, tag.id"
	return query.All[api.TagExternalRepo](ctx, s.DB, &q)
}

// ExternalRepos lists the external repositories of a tag and of what it inherits
// from, in the order in which they count, each once.
func (s *Store) ExternalRepos(ctx context.Context, tagID int64, event *int64) ([]api.TagExternalRepo, error) {
	chain, err := s.Chain(ctx, tagID, event, true)
	if err != nil {
		return nil, err
	}
	tags := chain.Tags()
	entries, err := s.TagExternalRepos(ctx, TagRepoFilter{TagIDs: tags, Event: event})
	if err != nil {
		return nil, err
	}
	byTag := map[int64][]api.TagExternalRepo{}
	for _, e := range entries {
		byTag[e.TagID] = append(byTag[e.TagID], e)
	}
	repos, seen := []api.TagExternalRepo{}, map[int64]bool{}
	for _, id := range tags {
		for _, e := range byTag[id] {
			if !seen[e.ExternalRepoID] {
				seen[e.ExternalRepoID] = true
				repos = append(repos, e)
			}
		}
	}
	return repos, nil
}

// CreateExternalRepo adds the URL of an external repository that has none.
func (s *Store) CreateExternalRepo(ctx context.Context, id int64, url string) error {
	return s.Create(ctx, "external_repo_config", Row{"external_repo_id": id, "url": url})
}

// SetExternalRepoURL changes the URL of an external repository.
func (s *Store) SetExternalRepoURL(ctx context.Context, id int64, url string) error {
	return s.Replace(ctx, "external_repo_config", Row{"external_repo_id": id}, Row{"url": url})
}

// DeleteExternalRepo revokes an external repository and takes it out of all tags.
func (s *Store) DeleteExternalRepo(ctx context.Context, id int64) error {
	for _, table := range []string{"tag_external_repos", "external_repo_config"} {
		if _, err := s.Revoke(ctx, table, Row{"external_repo_id": id}); err != nil {
			return err
		}
	}
	return nil
}

// AddTagExternalRepo adds an external repository to a tag: of the entry, the two
// ids, priority, merge mode and arches count.
func (s *Store) AddTagExternalRepo(ctx context.Context, e api.TagExternalRepo) error {
	return s.Create(ctx, "tag_external_repos", Row{
		"tag_id": e.TagID, "external_repo_id": e.ExternalRepoID,
		"priority": e.Priority, "merge_mode": e.MergeMode, "arches": e.Arches,
	})
}

// RemoveTagExternalRepo takes an external repository out of a tag.
func (s *Store) RemoveTagExternalRepo(ctx context.Context, tagID, repoID int64) error {
	_, err := s.Revoke(ctx, "tag_external_repos", Row{"tag_id": tagID, "external_repo_id": repoID})
	return err
}
