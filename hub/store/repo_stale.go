package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
)

// StaleTag is a tag whose latest repository does not show it any more.
type StaleTag struct {
	TagID int64 `db:"tag_id"`
	Event int64 `db:"event"` // the last change
}

// StaleRepos finds the tags that have changed since their latest repository, they
// or what they inherit from: build tags of targets that had a repository, and
// tags with the extra setting repo.auto. false in it takes a tag out.
//
// What a change writes is all that there is to know of it: no change can be lost,
// whoever made it and whoever was away then.
func (s *Store) StaleRepos(ctx context.Context) ([]StaleTag, error) {
	return database.All[StaleTag](ctx, s.DB, staleRepos)
}

// staleRepos asks for all tags at once: from the latest repository of each down
// its inheritance to the changes that are later, or that came too late for it.
const staleRepos = `
WITH RECURSIVE auto AS (
	SELECT tag_id, value NOT IN ('false', 'null', '0', '""') AS wanted FROM tag_extra WHERE key = 'repo.auto' AND active
), latest AS (
	SELECT DISTINCT ON (tag_id) tag_id, id, create_event FROM repo
	WHERE state = 1 AND NOT coalesce(dist, false) AND coalesce(custom_opts, '{}') = '{}'
	ORDER BY tag_id, create_event DESC
), root AS (
	SELECT live.tag_id, latest.id AS repo_id, coalesce(latest.create_event, 0) AS create_event
	FROM tag_config live LEFT JOIN latest ON latest.tag_id = live.tag_id LEFT JOIN auto ON auto.tag_id = live.tag_id
	WHERE live.active AND CASE
		WHEN auto.wanted IS NOT NULL THEN auto.wanted
		ELSE latest.tag_id IS NOT NULL AND live.tag_id IN (SELECT build_tag FROM build_target_config WHERE active) END
), closure (root, tag_id) AS (
	SELECT tag_id, tag_id FROM root
	UNION SELECT c.root, i.parent_id FROM closure c JOIN tag_inheritance i ON i.tag_id = c.tag_id AND i.active
), missed (root, event) AS (
	SELECT root.tag_id, late.id FROM root JOIN toji.repo_pending p ON p.repo_id = root.repo_id JOIN events late ON late.id = ANY(p.events)
), since AS (SELECT least((SELECT min(create_event) FROM root), (SELECT min(event) - 1 FROM missed)) AS event),
changed (tag_id, event) AS (
	SELECT tag_id, create_event FROM tag_listing WHERE create_event > (SELECT event FROM since)
	UNION ALL SELECT tag_id, revoke_event FROM tag_listing WHERE revoke_event > (SELECT event FROM since)
	UNION ALL SELECT tag_id, update_event FROM tag_updates WHERE update_event > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM tag_packages WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM tag_inheritance WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM tag_config WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM tag_extra WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM tag_external_repos WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM group_config WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM group_package_listing WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT tag_id, greatest(create_event, revoke_event) FROM group_req_listing WHERE greatest(create_event, revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT t.tag_id, greatest(x.create_event, x.revoke_event) FROM external_repo_config x
		JOIN tag_external_repos t ON t.external_repo_id = x.external_repo_id AND t.active
		WHERE greatest(x.create_event, x.revoke_event) > (SELECT event FROM since)
	UNION ALL SELECT t.tag_id, greatest(x.create_event, x.revoke_event) FROM external_repo_data x
		JOIN tag_external_repos t ON t.external_repo_id = x.external_repo_id AND t.active
		WHERE greatest(x.create_event, x.revoke_event) > (SELECT event FROM since)
)
SELECT root.tag_id, max(changed.event) AS event FROM root JOIN closure ON closure.root = root.tag_id
JOIN changed ON changed.tag_id = closure.tag_id
	AND (changed.event > root.create_event OR (root.tag_id, changed.event) IN (SELECT missed.root, missed.event FROM missed))
GROUP BY root.tag_id ORDER BY root.tag_id`
