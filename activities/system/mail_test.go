package system_test

import (
	"errors"
	"io"
	"log/slog"
	"mime/quotedprintable"
	stdmail "net/mail"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/mail/mailtest"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// newActivities has a failed build, foo-1-1 (1) of task 100 with a subtask on a
// host, and mail goes to s.
func newActivities(t *testing.T, s *mailtest.Server) *system.Activities {
	t.Helper()
	db := testenv.Database(t)
	c := config.Default()
	c.Hub.TopDir, c.Hub.EmailDomain = t.TempDir(), "example.org"
	if s != nil {
		c.Mail = config.Mail{Host: "127.0.0.1", Port: s.Port, FromAddr: "koji@example.org"}
	}
	h, err := hub.New(hub.Options{DB: db, Config: c, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	_, err = db.Exec(t.Context(), `
		INSERT INTO users (id, name, status, usertype) VALUES (1, 'alice', 0, 0), (2, 'builder1', 0, 1);
		INSERT INTO host (id, user_id, name) VALUES (1, 2, 'builder1');
		INSERT INTO host_config (host_id, creator_id) VALUES (1, 1);
		INSERT INTO package (id, name) VALUES (1, 'foo');
		INSERT INTO tag (id, name) VALUES (1, 'f40'), (2, 'f41');
		INSERT INTO tag_config (tag_id, creator_id) VALUES (1, 1), (2, 1);
		INSERT INTO task (id, state, owner, method, request, arch, channel_id, result) VALUES (100, 5, 1, 'build',
			'', 'noarch', 1, '');
		INSERT INTO task (id, state, owner, method, request, arch, channel_id, host_id, parent) VALUES
			(101, 5, 1, 'buildArch', '', 'x86_64', 1, 1, 100);
		INSERT INTO build (id, pkg_id, version, release, state, owner, task_id, volume_id, create_event, completion_time)
			VALUES (1, 1, '1', '1', 3, 1, 100, 0, get_event(), now())`)
	require.NoError(t, err)
	for id, args := range map[int64][]any{100: {"git://x/foo#1", "f40"}, 101: {"foo-1-1.src.rpm", int64(1), "x86_64", true}} {
		request, err := xmlrpc.MarshalRequest("any", args...)
		require.NoError(t, err)
		_, err = db.Exec(t.Context(), `UPDATE task SET request = $2, result = $3 WHERE id = $1`,
			id, request, xmlrpc.MarshalFault(koji.FaultBuild, "BuildError: see build.log"))
		require.NoError(t, err)
	}
	dir := h.Paths.Task("DEFAULT", 101)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(dir+"/build.log", []byte("no"), 0o644))
	return &system.Activities{Hub: h}
}

func failedBuild(to ...string) system.MailRequest {
	return system.MailRequest{TaskID: 200, OwnerID: 1, To: to, Build: &tasks.BuildNotificationParams{
		Recipients: to, Target: &tasks.NotifiedTarget{DestTag: "f40"}, WebURL: "http://koji.example.org/",
		Build: tasks.NotifiedBuild{ID: 1, Name: "foo", Version: "1", Release: "1", Owner: "alice", State: koji.BuildFailed, TaskID: 100},
	}}
}

// read returns the header and the text of the only mail.
func read(t *testing.T, s *mailtest.Server) (stdmail.Header, string) {
	t.Helper()
	require.Len(t, s.Mails(), 1)
	m, err := stdmail.ReadMessage(strings.NewReader(s.Mails()[0].Text))
	require.NoError(t, err)
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	require.NoError(t, err)
	return m.Header, string(text)
}

func TestMailAboutAFailedBuild(t *testing.T) {
	s := mailtest.Start(t, nil)
	a := newActivities(t, s)
	reply, err := a.SendMail(t.Context(), failedBuild("a@example.org", "none"))
	require.NoError(t, err)
	require.Equal(t, system.MailReply{Sent: []string{"a@example.org"}, Refused: []string{"none"}}, reply)
	header, text := read(t, s)
	require.Equal(t, "Package: foo-1-1 Tag: f40 Status: failed Built by: alice", header.Get("Subject"))
	require.Equal(t, "<task-200@example.org>", header.Get("Message-ID"))
	require.Equal(t, "failed", header.Get("X-Koji-Status"))
	require.Equal(t, `Package: foo-1-1
Tag: f40
Status: failed
Built by: alice
ID: 1
Started: -
Finished: -

foo-1-1 (1) failed on builder1 (x86_64):
  BuildError: see build.log

Failed tasks:

Task 100: build (f40, /foo:1)

Task 101 on builder1: buildArch (foo-1-1.src.rpm, x86_64)
logs:
  http://koji.example.org/kojifiles/work/tasks/101/101/build.log

Task Info: http://koji.example.org/taskinfo?taskID=100
Build Info: http://koji.example.org/buildinfo?buildID=1
`, text)
}

func TestMailAboutATag(t *testing.T) {
	s := mailtest.Start(t, nil)
	a := newActivities(t, s)
	_, err := a.SendMail(t.Context(), system.MailRequest{TaskID: 200, To: []string{"a@example.org"}, Tagging: &tasks.TagNotificationParams{
		Tag: tasks.Ref{ID: 2}, From: tasks.Ref{Name: "f40"}, Build: tasks.Ref{ID: 1}, User: tasks.Ref{ID: 1}, FailureMsg: "TagError: locked",
	}})
	require.NoError(t, err)
	header, text := read(t, s)
	require.Equal(t, "foo-1-1 unsuccessfully moved from f40 into f41 by alice", header.Get("Subject"))
	require.Equal(t, []string{"f40", "f41"}, header["X-Koji-Tag"])
	require.Contains(t, text, "Tag Operation: moved\nFrom Tag: f40\nInto Tag: f41\n")
	require.Contains(t, text, "The operation failed:\n  TagError: locked\n")
}

// What the relay says decides whether the task fails at once.
func TestRefusedMail(t *testing.T) {
	for _, c := range []struct {
		name, key, answer string
		final             bool
	}{
		{"the message is deferred", "end", "451 later", false},
		{"the message is refused", "end", "554 spam", true},
		{"all are deferred", "RCPT", "450 later", false},
		{"all are refused", "RCPT", "550 unknown", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.Start(t, map[string]string{c.key: c.answer})
			a := newActivities(t, s)
			_, err := a.SendMail(t.Context(), failedBuild("a@example.org"))
			code, text, _ := strings.Cut(c.answer, " ")
			require.ErrorContains(t, err, code+` "`+text+`"`)
			app, ok := errors.AsType[*temporal.ApplicationError](err)
			require.Equal(t, c.final, ok && app.NonRetryable())

			s.Answer(c.key, "-")
			_, err = a.SendMail(t.Context(), failedBuild("a@example.org"))
			require.NoError(t, err)
			require.Len(t, s.Mails(), 1)
		})
	}
}

func TestNoRelay(t *testing.T) {
	_, err := newActivities(t, nil).SendMail(t.Context(), failedBuild("a@example.org"))
	require.ErrorContains(t, err, "no mail relay is configured")
}
