package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/tasks"
)

func TestRunroot(t *testing.T) {
	for _, test := range []struct {
		name   string
		params tasks.RunrootParams
		want   []string
	}{
		{"latest repository", tasks.RunrootParams{Root: tasks.Ref{Name: "f40-build"}}, []string{"run id in repo 7", "close 1"}},
		{"own repository", tasks.RunrootParams{Root: tasks.Ref{Name: "f40-build"}, RepoID: 5}, []string{"run id in repo 5", "close 1"}},
		{"by the tag's id", tasks.RunrootParams{Root: tasks.Ref{ID: 1}, RepoID: 5}, []string{"run id in repo 5", "close 1"}},
		{"another tag's repository", tasks.RunrootParams{Root: tasks.Ref{Name: "f41"}, RepoID: 5},
			[]string{"fail 1 with 1005 package: build tag (f41) does not match repo tag (f40-build)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.params.Arch, test.params.Command = "x86_64", "id"
			w.run("runroot", test.params)
			require.Equal(t, append([]string{`open 1 attempt 1 on "h1"`}, test.want...), w.list)
		})
	}
}
