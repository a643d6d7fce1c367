package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

const repoSelect = `
SELECT r.id, r.tag_id, t.name AS tag_name, r.state, r.state_time, date_part('epoch', r.state_time) AS state_ts,
	r.create_event, date_part('epoch', ev.time) AS create_ts, r.creation_time, date_part('epoch', r.creation_time) AS creation_ts,
	r.begin_event, date_part('epoch', begun.time) AS begin_ts, r.end_event, date_part('epoch', ended.time) AS end_ts,
	coalesce(r.dist, false) AS dist, r.opts, r.custom_opts, r.task_id, task.state AS task_state
FROM repo r JOIN tag t ON t.id = r.tag_id JOIN events ev ON ev.id = r.create_event
LEFT JOIN events begun ON begun.id = r.begin_event LEFT JOIN events ended ON ended.id = r.end_event
LEFT JOIN task ON task.id = r.task_id`

// Repo returns a repository, nil if there is none.
func (s *Store) Repo(ctx context.Context, id int64) (*api.Repo, error) {
	return orNil(database.One[api.Repo](ctx, s.DB, repoSelect+` WHERE r.id = $1::int8`, id))
}

// RepoOfTask returns the repository that a newRepo task makes, nil if it has
// none yet.
func (s *Store) RepoOfTask(ctx context.Context, taskID int64) (*api.Repo, error) {
	return orNil(database.One[api.Repo](ctx, s.DB, repoSelect+` WHERE r.task_id = $1 ORDER BY r.id DESC LIMIT 1`, taskID))
}

// RepoFilter says which repository of a tag is wanted. What is nil does not
// filter.
type RepoFilter struct {
	TagID    int64
	State    *int
	Dist     bool
	MinEvent *int64 // made of this event or a later one, and of all that came before it
	MaxEvent *int64
	AtEvent  *int64
	// Opts, as JSON, are the options that the repository has and beside which
	// it has no custom ones; "" takes any.
	Opts string
}

// LatestRepo returns the repository of the latest event that fits, nil if none
// does.
func (s *Store) LatestRepo(ctx context.Context, f RepoFilter) (*api.Repo, error) {
	return orNil(database.One[api.Repo](ctx, s.DB, repoSelect+`
		WHERE r.tag_id = $1 AND coalesce(r.dist, false) = $2 AND ($3::int IS NULL OR r.state = $3::int)
			AND ($4::int8 IS NULL OR (r.create_event >= $4::int8 AND NOT `+missedBy("r.id", "$4::int8")+`)) AND ($5::int8 IS NULL OR r.create_event <= $5::int8)
			AND ($6::int8 IS NULL OR r.create_event = $6::int8)
			AND ($7::text = '' OR (r.opts @> nullif($7::text, '')::jsonb AND r.custom_opts <@ nullif($7::text, '')::jsonb))
		ORDER BY r.create_event DESC, r.id DESC LIMIT 1`,
		f.TagID, f.Dist, f.State, f.MinEvent, f.MaxEvent, f.AtEvent, f.Opts))
}

// NewRepo is a repository to insert; Opts and CustomOpts are JSON objects, or ""
// for none.
type NewRepo struct {
	TagID, Event, TaskID int64
	Begin, End           *int64
	Opts, CustomOpts     string
	Dist                 bool
}

// InsertRepo inserts a repository in state INIT.
func (s *Store) InsertRepo(ctx context.Context, r NewRepo) (int64, error) {
	id, err := database.One[int64](ctx, s.DB, `
		INSERT INTO repo (create_event, begin_event, end_event, tag_id, state, task_id, opts, custom_opts, dist)
		VALUES ($1, $2, $3, $4, 0, $5, nullif($6::text, '')::jsonb, nullif($7::text, '')::jsonb, $8) RETURNING id`,
		r.Event, r.Begin, r.End, r.TagID, nullable(r.TaskID), r.Opts, r.CustomOpts, r.Dist)
	if err != nil {
		return 0, fmt.Errorf("insert repo of tag %d: %w", r.TagID, err)
	}
	return id, nil
}

// RepoReady makes an INIT repository READY, fulfils the requests that it
// satisfies, expires its predecessors and wakes the tasks that wait. Repeated,
// it does nothing.
func (s *Store) RepoReady(ctx context.Context, id int64) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		tag, err := database.One[int64](ctx, s.DB, `SELECT tag_id FROM repo WHERE id = $1`, id)
		if err != nil {
			return fmt.Errorf("make repo %d ready: %w", id, err)
		}
		if err := s.lockRepos(ctx, tag); err != nil {
			return err
		}
		ok, err := s.SetRepoState(ctx, id, koji.RepoReady, koji.RepoInit)
		if err != nil || !ok {
			return err
		}
		for _, q := range []string{
			`UPDATE repo_queue q SET repo_id = r.id, active = false, update_time = now() FROM repo r
				WHERE r.id = $1 AND NOT coalesce(r.dist, false) AND q.tag_id = r.tag_id AND q.active AND q.repo_id IS NULL
					AND q.opts <@ r.opts AND q.opts @> r.custom_opts
					AND (q.at_event = r.create_event OR (q.at_event IS NULL AND q.min_event <= r.create_event
						AND NOT ` + missedBy("r.id", "q.min_event") + `))`,
			`UPDATE repo o SET state = 2, state_time = now() FROM repo r
				WHERE r.id = $1 AND o.tag_id = r.tag_id AND o.state = 1 AND o.id <> r.id AND NOT coalesce(o.dist, false)
					AND NOT coalesce(r.dist, false) AND o.create_event <= r.create_event AND o.custom_opts = r.custom_opts`,
		} {
			if _, err := s.Exec(ctx, q, id); err != nil {
				return fmt.Errorf("make repo %d ready: %w", id, err)
			}
		}
		return s.WakeWaitrepo(ctx)
	})
}

// SetRepoState moves a repository to a state if it is in one of from; it
// returns false if it was not.
func (s *Store) SetRepoState(ctx context.Context, id int64, to koji.RepoState, from ...koji.RepoState) (bool, error) {
	states := make([]int64, len(from))
	for i, f := range from {
		states[i] = int64(f)
	}
	res, err := s.Exec(ctx, `UPDATE repo SET state = $2, state_time = now() WHERE id = $1 AND state = ANY($3)`, id, int(to), states)
	if err != nil {
		return false, fmt.Errorf("set state of repo %d: %w", id, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// WakeWaitrepo has the tasks that wait for repositories look again.
func (s *Store) WakeWaitrepo(ctx context.Context) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.outbox (task_id, kind, name)
		SELECT id, 'signal', 'wake' FROM task WHERE state = 1 AND method = 'waitrepo'`)
	return err
}

const requestSelect = `
SELECT q.id, q.owner, u.name AS owner_name, q.priority, q.tag_id, t.name AS tag_name, q.at_event, q.min_event, q.opts, q.active,
	q.tries, q.task_id, task.state AS task_state, q.repo_id, q.create_time, date_part('epoch', q.create_time) AS create_ts,
	q.update_time, date_part('epoch', q.update_time) AS update_ts
FROM repo_queue q JOIN users u ON u.id = q.owner JOIN tag t ON t.id = q.tag_id LEFT JOIN task ON task.id = q.task_id`

// RepoRequest returns a request, nil if there is none.
func (s *Store) RepoRequest(ctx context.Context, id int64) (*api.RepoRequest, error) {
	return orNil(database.One[api.RepoRequest](ctx, s.DB, requestSelect+` WHERE q.id = $1::int8`, id))
}

// WantedRepo says which repository is asked for; Opts is a JSON object.
type WantedRepo struct {
	TagID             int64
	MinEvent, AtEvent *int64 // one of them
	Opts              string
	OwnerID           int64
	Priority          int
	// UnlessReady makes no request when there is a ready repository that will do.
	UnlessReady bool
}

// lockRepos orders requests for a tag's repositories and the end of making one:
// no request comes between, which nothing would fulfil but another repository.
func (s *Store) lockRepos(ctx context.Context, tagID int64) error {
	const class = 0x7265706f // "repo"
	_, err := s.Exec(ctx, `SELECT pg_advisory_xact_lock($1::int, $2::int)`, class, tagID)
	return err
}

// RequestRepo finds an active request for the same, whose priority it raises
// to w's, or makes one. It returns nil if none is needed, see UnlessReady.
func (s *Store) RequestRepo(ctx context.Context, w WantedRepo) (r *api.RepoRequest, duplicate bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		if err := s.lockRepos(ctx, w.TagID); err != nil {
			return err
		}
		if w.UnlessReady {
			ready, err := s.LatestRepo(ctx, RepoFilter{TagID: w.TagID, State: new(int(koji.RepoReady)), MinEvent: w.MinEvent, AtEvent: w.AtEvent, Opts: w.Opts})
			if err != nil || ready != nil {
				return err
			}
		}
		id, err := database.One[int64](ctx, s.DB, `SELECT id FROM repo_queue
			WHERE tag_id = $1 AND active AND opts = $2::text::jsonb
				AND CASE WHEN $3::int8 IS NOT NULL THEN at_event = $3::int8 ELSE min_event >= $4::int8 END
			ORDER BY priority, id LIMIT 1`, w.TagID, w.Opts, w.AtEvent, w.MinEvent)
		duplicate = err == nil
		switch {
		case errors.Is(err, database.ErrNotFound):
			id, err = database.One[int64](ctx, s.DB, `INSERT INTO repo_queue (owner, priority, tag_id, at_event, min_event, opts)
				VALUES ($1, $2, $3, $4, $5, $6::text::jsonb) RETURNING id`, w.OwnerID, w.Priority, w.TagID, w.AtEvent, w.MinEvent, w.Opts)
			if err == nil {
				_, err = s.Exec(ctx, `SELECT pg_notify('toji_repos', '')`)
			}
		case err == nil:
			_, err = s.Exec(ctx, `UPDATE repo_queue SET priority = $2, update_time = now() WHERE id = $1 AND priority > $2`, id, w.Priority)
		}
		if err != nil {
			return fmt.Errorf("request repo of tag %d: %w", w.TagID, err)
		}
		r, err = s.RepoRequest(ctx, id)
		return err
	})
	return r, duplicate, err
}

// OpenRequests returns the active requests without a repository, in the order
// in which they are served.
func (s *Store) OpenRequests(ctx context.Context) ([]api.RepoRequest, error) {
	return database.All[api.RepoRequest](ctx, s.DB, requestSelect+` WHERE q.active AND q.repo_id IS NULL ORDER BY q.priority, q.id`)
}

// GiveRequestTask records the newRepo task that serves a request.
func (s *Store) GiveRequestTask(ctx context.Context, id, taskID int64) error {
	_, err := s.Exec(ctx, `UPDATE repo_queue SET task_id = $2, tries = tries + 1, update_time = now() WHERE id = $1`, id, taskID)
	return err
}

// DropRequest gives a request up.
func (s *Store) DropRequest(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `UPDATE repo_queue SET active = false, update_time = now() WHERE id = $1`, id)
	return err
}

// GivenUpRequest finds a request of what w wants that was given up after the task
// began, unless there is an active one; nil if there is none.
func (s *Store) GivenUpRequest(ctx context.Context, w WantedRepo, taskID int64) (*api.RepoRequest, error) {
	return orNil(database.One[api.RepoRequest](ctx, s.DB, requestSelect+`
		WHERE q.tag_id = $1 AND NOT q.active AND q.repo_id IS NULL AND q.opts = $2::text::jsonb AND q.min_event >= $3::int8
			AND q.update_time > (SELECT create_time FROM task WHERE id = $4)
			AND NOT EXISTS (SELECT 1 FROM repo_queue a WHERE a.tag_id = q.tag_id AND a.active AND a.opts = q.opts AND a.min_event >= $3::int8)
		ORDER BY q.id DESC LIMIT 1`, w.TagID, w.Opts, w.MinEvent, taskID))
}

// CleanRequests forgets requests that were done with so many seconds ago.
func (s *Store) CleanRequests(ctx context.Context, age float64) error {
	_, err := s.Exec(ctx, `DELETE FROM repo_queue WHERE NOT active AND update_time < now() - make_interval(secs => $1)`, age)
	return err
}
