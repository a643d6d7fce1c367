package schema_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
)

// listen returns the channels notified, in their order.
func listen(t *testing.T, db *database.DB, channels ...string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan string, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = db.Listen(ctx, func(channel, _ string) { heard <- channel }, channels...)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	require.Empty(t, hear(t, heard), "the first sweep")
	return heard
}

func hear(t *testing.T, heard <-chan string) string {
	t.Helper()
	select {
	case channel := <-heard:
		return channel
	case <-time.After(10 * time.Second):
		require.Fail(t, "no notification")
		return ""
	}
}

func TestNotifications(t *testing.T) {
	db := testenv.Database(t)
	exec(t, db, `
		INSERT INTO users (name, status, usertype) VALUES ('kojiadmin', 0, 0);
		INSERT INTO package (name) VALUES ('bash');
		INSERT INTO tag (name) VALUES ('f43');
		INSERT INTO tag (name) VALUES ('f43-build');
		INSERT INTO groups (name) VALUES ('build');
		INSERT INTO external_repo (name) VALUES ('upstream');
		INSERT INTO build (volume_id, pkg_id, version, release, state, owner) VALUES (0, 1, '5', '1', 0, 1)`)
	heard := listen(t, db, "toji_outbox", "toji_sched", "toji_tags", "end")
	tests := []struct{ statement, want string }{
		{`INSERT INTO toji.outbox (kind, task_id) VALUES ('start', 1), ('start', 2)`, "toji_outbox"},
		{`DELETE FROM toji.outbox`, ""},
		{`INSERT INTO task (channel_id, owner, arch) VALUES (1, 1, 'noarch')`, "toji_sched"},
		{`UPDATE task SET state = 4`, "toji_sched"},
		{`UPDATE task SET priority = 4`, "toji_sched"},
		{`UPDATE task SET result = 'x'`, ""},
		{`INSERT INTO host (user_id, name) VALUES (1, 'builder')`, "toji_sched"},
		{`UPDATE host SET ready = true`, "toji_sched"},
		{`UPDATE task SET host_id = 1`, "toji_sched"},
		{`UPDATE host SET update_time = now()`, ""},
		{`INSERT INTO host_config (host_id, creator_id) VALUES (1, 1)`, "toji_sched"},
		{`INSERT INTO host_channels (host_id, channel_id, creator_id) VALUES (1, 1, 1)`, "toji_sched"},
		{`UPDATE channels SET enabled = false`, "toji_sched"},
		{`INSERT INTO scheduler_task_refusals (task_id, host_id, by_host) VALUES (1, 1, true)`, "toji_sched"},
		{`DELETE FROM scheduler_task_refusals`, "toji_sched"},
		{`INSERT INTO toji.host_health (host_id) VALUES (1)`, "toji_sched"},
		{`UPDATE toji.host_health SET quarantined_at = now(), quarantine_reason = 'disk'`, "toji_sched"},
		{`UPDATE toji.host_health SET disk_free = 1`, ""},
		{`INSERT INTO tag_config (tag_id, creator_id) VALUES (1, 1)`, "toji_tags"},
		{`INSERT INTO tag_extra (tag_id, key, creator_id) VALUES (1, 'k', 1)`, "toji_tags"},
		{`INSERT INTO tag_inheritance (tag_id, parent_id, priority, creator_id) VALUES (2, 1, 1, 1)`, "toji_tags"},
		{`INSERT INTO tag_packages (tag_id, package_id, creator_id) VALUES (1, 1, 1)`, "toji_tags"},
		{`INSERT INTO tag_listing (tag_id, build_id, creator_id) VALUES (1, 1, 1)`, "toji_tags"},
		{`UPDATE tag_listing SET active = NULL, revoker_id = 1, revoke_event = 1`, "toji_tags"},
		{`INSERT INTO tag_updates (tag_id, updater_id, update_type) VALUES (1, 1, 1)`, "toji_tags"},
		{`INSERT INTO external_repo_config (external_repo_id, url, creator_id) VALUES (1, 'http://x/', 1)`, "toji_tags"},
		{`INSERT INTO tag_external_repos (tag_id, external_repo_id, priority, creator_id) VALUES (1, 1, 1, 1)`, "toji_tags"},
		{`INSERT INTO group_config (tag_id, group_id, display_name, creator_id) VALUES (1, 1, 'b', 1)`, "toji_tags"},
		{`INSERT INTO group_package_listing (tag_id, group_id, package, type, creator_id) VALUES (1, 1, 'bash', 'mandatory', 1)`, "toji_tags"},
		{`INSERT INTO group_req_listing (tag_id, group_id, req_id, type, creator_id) VALUES (1, 1, 1, 'mandatory', 1)`, "toji_tags"},
	}
	for _, tt := range tests {
		exec(t, db, tt.statement)
		exec(t, db, `NOTIFY "end"`)
		if tt.want != "" {
			require.Equal(t, tt.want, hear(t, heard), tt.statement)
		}
		require.Equal(t, "end", hear(t, heard), tt.statement)
	}
}
