package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// repoDetails is what repoinfo shows.
type repoDetails struct {
	api.Repo
	Buildroots []int64 `rpc:"buildroots"` // that used it
}

func repoInfo(a *app) *cobra.Command {
	var buildroots bool
	cmd := &cobra.Command{
		Use:     "repoinfo [options] <repo-id> [<repo-id> ...]",
		Short:   "Print basic information about a repo",
		Example: "  toji repoinfo 4711",
		GroupID: info,
		Args:    nargs(1, -1, "Please specify a repo ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			for _, arg := range args {
				id, err := strconv.ParseInt(arg, 10, 64)
				if err != nil {
					return usagef("Invalid repo ID: %s", arg)
				}
				repo, err := rpc.Invoke(cmd.Context(), h, api.RepoInfo, api.RepoInfoParams{RepoID: id})
				if err != nil {
					return err
				}
				if repo == nil {
					printf(a.Stderr, "No such repo: %d\n\n", id)
					continue
				}
				used, err := rpc.Invoke(cmd.Context(), h, api.ListBuildroots, api.ListBuildrootsParams{RepoID: &id})
				if err != nil {
					return err
				}
				d := repoDetails{Repo: *repo, Buildroots: []int64{}}
				for _, b := range used.List {
					d.Buildroots = append(d.Buildroots, b.ID)
				}
				if err := a.show(cmd, d, func(w io.Writer) { a.printRepoDetails(w, d, h.profile.TopURL, buildroots) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&buildroots, "buildroots", false, "print the IDs of the buildroots that used it")
	jsonFlag(cmd)
	return cmd
}

func (a *app) printRepoDetails(w io.Writer, d repoDetails, topURL string, buildroots bool) {
	top := koji.PathInfo{TopDir: strings.TrimRight(topURL, "/")}
	printf(w, "ID: %d\nTag ID: %d\nTag name: %s\n", d.ID, d.TagID, d.TagName)
	printf(w, "State: %s\n", koji.RepoState(d.State))
	created := d.CreateTS
	printf(w, "Created: %s\nCreated event: %d\n", a.longTime(&created), d.CreateEvent)
	// Koji: the URL is that of a build repository for a dist repo, too.
	url := top.Repo(d.TagName, d.ID)
	file, task := url, "None"
	if d.Dist {
		file = top.DistRepo("", d.TagName, d.ID)
	}
	if d.TaskID != nil {
		task = fmt.Sprint(*d.TaskID)
	}
	printf(w, "URL: %s\nRepo json: %s/repo.json\nDist repo?: %s\nTask ID: %s\n", url, file, inWords(d.Dist), task)
	printf(w, "Number of buildroots: %d\n", len(d.Buildroots))
	if !buildroots || len(d.Buildroots) == 0 {
		return
	}
	printf(w, "Buildroots ID:\n")
	for _, id := range d.Buildroots {
		printf(w, "%15s%d\n", "", id)
	}
}
