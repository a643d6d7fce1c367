package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

// chainLinks are six packages in three levels, with what each needs of the level
// before.
var chainLinks = [][]struct {
	name  string
	needs []string
}{
	{{"link-a", nil}, {"link-b", nil}},
	{{"link-c", []string{"link-a"}}, {"link-d", []string{"link-a", "link-b"}}},
	{{"link-e", []string{"link-c"}}, {"link-f", []string{"link-d"}}},
}

// victims are the parts of the stack that are killed, by their command lines.
var victims = []struct{ name, process string }{
	{"builder", "worker --config"},
	{"hub", "hub --config"},
	{"Temporal", "temporal-server"},
	{"PostgreSQL", "postgres -D"},
}

// killBudget is how long a chain may take in which something was killed.
const killBudget = 3 * time.Minute

// Whatever is killed at whatever moment of a chain of builds, the chain ends well,
// with the rows and files of a chain that nobody disturbed. The full test, which
// takes half an hour, is
//
//	TOJI_KILLS=50 go test -timeout 3h -run TestKillsInChain ./tests/integration
//
// TOJI_KILL_SEED repeats the moments of an earlier run, which tells its seed.
func TestKillsInChain(t *testing.T) {
	l := start(t)
	kills, seed := len(victims), uint64(time.Now().UnixNano())
	for name, set := range map[string]func(string) error{
		"TOJI_KILLS":     func(v string) (err error) { kills, err = strconv.Atoi(v); return err },
		"TOJI_KILL_SEED": func(v string) (err error) { seed, err = strconv.ParseUint(v, 10, 64); return err },
	} {
		if v := os.Getenv(name); v != "" {
			require.NoError(t, set(v), name)
		}
	}
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))

	began := time.Now()
	release := l.linkRelease()
	undisturbed := l.linkChain(t, release)
	l.closed(t, undisturbed)
	length := time.Since(began)
	want := l.remains(t, undisturbed, release)
	t.Logf("an undisturbed chain takes %v and leaves %d rows and files", length.Round(time.Millisecond), len(want))
	for i := range kills {
		victim := victims[i%len(victims)]
		moment := time.Duration(chance.Int64N(int64(length)))
		t.Run(fmt.Sprintf("%d: %s after %v", i+1, victim.name, moment.Round(time.Millisecond)), func(t *testing.T) {
			release := l.linkRelease()
			began := time.Now()
			id := l.linkChain(t, release)
			<-time.After(moment - time.Since(began)) // the moment is what is tested
			state := l.phase(t, id)
			require.NoError(t, l.KillChild(victim.process))
			awaitFor(t, killBudget, "the end of the chain", func() bool { return l.state(t, id).Finished() })
			l.closed(t, id)
			// The chain may have ended just before.
			await(t, "the database being back", func() bool { return l.db.Ping(t.Context()) == nil })
			t.Logf("killed while %s; the chain took %v", state, time.Since(began).Round(time.Millisecond))
			sameRemains(t, want, l.remains(t, id, release))
		})
	}
}

// linkRelease is a release that no other source has, and that is part of no other
// text.
func (l *lab) linkRelease() string { return fmt.Sprintf("link%03d", l.serial.Add(1)) }

// linkChain makes a chainbuild task of new sources.
func (l *lab) linkChain(t *testing.T, release string) int64 {
	t.Helper()
	levels := make([][]string, len(chainLinks))
	for i, level := range chainLinks {
		for _, link := range level {
			require.NoError(t, invoke(t.Context(), l, api.PackageListAdd, api.PackageListAddParams{
				TagInfo: "chain", PkgInfo: link.name, Owner: "admin", Force: true}))
			dir := filepath.Join(l.dir, "git", release, link.name)
			text := fill(t, "link", map[string]any{"Name": link.name, "Release": release, "Needs": link.needs})
			levels[i] = append(levels[i], commit(t, dir, link.name+".spec", text))
		}
	}
	return l.chainBuild(t, "chain", nil, levels...)
}

// phase names the latest subtask of a chain, to tell what a kill met.
func (l *lab) phase(t *testing.T, id int64) string {
	t.Helper()
	task, phase := id, "nothing had begun"
	for range 2 {
		var latest api.TaskInfo
		for _, c := range call(t, l, api.GetTaskChildren, api.TaskChildrenParams{TaskID: task}) {
			if c.ID > latest.ID {
				latest = c
			}
		}
		if latest.ID == 0 {
			break
		}
		task, phase = latest.ID, "at "+latest.Method
		if latest.Label != nil {
			phase += " " + *latest.Label
		}
	}
	return phase
}
