package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/mail/mailtest"
	"github.com/toji-build/toji/koji/api"
)

// mailLab returns a laboratory of its own, whose hub sends mail, with its relay.
func mailLab(t *testing.T) (*lab, *mailtest.Server) {
	t.Helper()
	first := start(t)
	relay := mailtest.Start(t, nil)
	l := &lab{dir: filepath.Join(first.dir, "mail"), toji: first.toji, args: []string{"--smtp", fmt.Sprintf("127.0.0.1:%d", relay.Port)}}
	require.NoError(t, os.Mkdir(l.dir, 0o755))
	require.NoError(t, l.startStack(t.Context()))
	t.Cleanup(func() { require.NoError(t, l.close()) })
	require.NoError(t, l.furnish(t.Context()))
	return l, relay
}

// awaitMails waits for so many mails and returns the last ones, those that came
// after seen of them.
func awaitMails(t *testing.T, relay *mailtest.Server, seen, want int) (last []mailtest.Mail) {
	t.Helper()
	await(t, fmt.Sprintf("%d mails", want), func() bool {
		last = relay.Mails()
		return len(last) >= seen+want
	})
	require.Len(t, last, seen+want)
	return last[seen:]
}

// notifications counts the tasks of the method.
func (l *lab) notifications(t *testing.T, method string) int64 {
	t.Helper()
	return l.count(t, `SELECT count(*) FROM task WHERE method = $1`, method)
}

// TestOwnStack has what would disturb the other tests.
func TestOwnStack(t *testing.T) {
	t.Parallel()
	l, relay := mailLab(t)
	t.Run("mail", func(t *testing.T) { testMail(t, l, relay) })
	// toji dev starts a daemon again that has ended, as a service manager does. What
	// it has kept of failed builds it still has.
	t.Run("restartHosts", func(t *testing.T) {
		_, root := l.failedRoot(t)
		id := call(t, l, api.RestartHosts, api.RestartHostsParams{Priority: 5})
		l.closed(t, id)
		restart := l.task(t, l.child(t, id, "restart").ID)
		require.Equal(t, "graceful restart initiated", l.result(t, restart.ID))
		require.Greater(t, l.task(t, l.child(t, id, "restartVerify").ID).CreateTS, restart.CreateTS)
		l.closed(t, call(t, l, api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: root}))
	})
}

// testMail: a build and a tagging are told of, by a real conversation with a relay,
// to those who want to know and nobody else.
func testMail(t *testing.T, l *lab, relay *mailtest.Server) {
	l.login(t, "watcher") // is made by the login
	watch := api.CreateNotificationParams{UserID: "watcher", TagID: "chain", SuccessOnly: false}
	call(t, l, api.CreateNotification, watch)

	s := l.srpm(t, "hello-noarch", 0)
	id := l.build(t, s, "plain", nil)
	l.closed(t, id)
	mails := awaitMails(t, relay, 0, 1)
	require.Equal(t, []string{"admin@localhost"}, mails[0].To)
	require.Contains(t, mails[0].Text, "Subject: Package: "+s.nvr+" Tag: plain Status: complete Built by: admin\n")
	require.Contains(t, mails[0].Text, "X-Koji-Package: hello-noarch\n")
	require.Contains(t, mails[0].Text, "/buildinfo?buildID=")

	failing := l.srpm(t, "fail-build", 0)
	l.failed(t, l.build(t, failing, "plain", nil))
	mails = awaitMails(t, relay, 1, 1)
	require.Contains(t, mails[0].Text, "Subject: Package: "+failing.nvr+" Tag: plain Status: failed Built by: admin\n")
	require.Regexp(t, `/kojifiles/work/tasks/\d+/\d+/build.log\n`, mails[0].Text)

	l.closed(t, call(t, l, api.TagBuild, api.TagBuildParams{Tag: "chain", Build: s.nvr}))
	mails = awaitMails(t, relay, 2, 1)
	require.ElementsMatch(t, []string{"admin@localhost", "watcher@localhost"}, mails[0].To)
	require.Contains(t, mails[0].Text, "Subject: "+s.nvr+" successfully tagged into chain by admin\n")
	task := l.count(t, `SELECT max(id) FROM task WHERE method = 'tagNotification'`)
	l.closed(t, task)
	require.Equal(t, "sent notification of tag operation "+fmt.Sprint(task)+" to: admin@localhost, watcher@localhost", l.result(t, task))

	t.Run("blocks", func(t *testing.T) {
		call(t, l, api.CreateNotificationBlock, api.CreateNotificationBlockParams{UserID: "admin", PackageID: "hello-noarch"})
		builds, taggings := l.notifications(t, "buildNotification"), l.notifications(t, "tagNotification")
		next := l.srpm(t, "hello-noarch", 0)
		l.closed(t, l.build(t, next, "plain", nil))
		require.Equal(t, builds, l.notifications(t, "buildNotification"), "there is nobody to tell")
		l.closed(t, call(t, l, api.TagBuild, api.TagBuildParams{Tag: "chain", Build: next.nvr}))
		require.Equal(t, taggings+1, l.notifications(t, "tagNotification"))
		require.Equal(t, []string{"watcher@localhost"}, awaitMails(t, relay, 3, 1)[0].To)
	})
	t.Run("a build by Koji's client", func(t *testing.T) {
		other := l.srpm(t, "multi", 0)
		out := l.koji(t, "build", "--wait", "plain", other.file)
		require.Contains(t, out, "completed successfully")
		mail := awaitMails(t, relay, 4, 1)[0].Text
		require.Contains(t, mail, "Status: complete Built by: admin\n")
		require.True(t, strings.Contains(mail, other.nvr), mail)
	})
}
