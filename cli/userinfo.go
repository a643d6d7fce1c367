package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// userDetails is what userinfo shows.
type userDetails struct {
	api.User
	Permissions []string `rpc:"permissions"`
	Packages    int64    `rpc:"packages"` // how many the user owns
	Tasks       int64    `rpc:"tasks"`
	Builds      int64    `rpc:"builds"`
}

func userInfo(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "userinfo [options] <username> [<username> ...]",
		Short:   "Show information about a user",
		Example: "  toji userinfo alice",
		GroupID: admin,
		Args:    nargs(1, -1, "You must specify at least one username"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			users, err := a.usersNamed(cmd.Context(), h, args)
			if err != nil {
				return err
			}
			details, err := userDetailsOf(cmd.Context(), h, users)
			if err != nil {
				return err
			}
			return a.show(cmd, details, func(w io.Writer) {
				for _, d := range details {
					d.print(w)
				}
			})
		},
	}
	jsonFlag(cmd)
	return cmd
}

// usersNamed finds users, and complains of those that do not exist.
func (a *app) usersNamed(ctx context.Context, c rpc.Caller, names []string) ([]api.User, error) {
	var batch rpc.Batch
	results := make([]*rpc.Result[*api.User], len(names))
	for i, name := range names {
		results[i] = rpc.Add(&batch, api.GetUser, api.GetUserParams{UserInfo: name, KrbPrincs: true, Groups: true})
	}
	if err := doAll(ctx, c, &batch, results); err != nil {
		return nil, err
	}
	var users []api.User
	for i, r := range results {
		if r.Value == nil {
			printf(a.Stderr, "No such user: %s\n\n", names[i])
			continue
		}
		users = append(users, *r.Value)
	}
	return users, nil
}

func userDetailsOf(ctx context.Context, c rpc.Caller, users []api.User) ([]userDetails, error) {
	type answers struct {
		perms    *rpc.Result[[]string]
		packages *rpc.Result[any]
		tasks    *rpc.Result[rpc.Rows[api.ListedTask]]
		builds   *rpc.Result[rpc.Rows[api.ListedBuild]]
	}
	count := map[string]any{"countOnly": true}
	var batch rpc.Batch
	results := make([]answers, len(users))
	for i, user := range users {
		packages := rpc.Defaults[api.ListPackagesParams]()
		packages.UserID, packages.WithDups, packages.QueryOpts = user.ID, true, count
		results[i] = answers{
			rpc.Add(&batch, api.GetUserPerms, api.GetUserPermsParams{UserID: user.ID, WithGroups: true}),
			rpc.Add(&batch, api.ListPackages, packages),
			rpc.Add(&batch, api.ListTasks, api.ListTasksParams{Opts: map[string]any{"owner": user.ID, "parent": nil}, QueryOpts: count}),
			rpc.Add(&batch, api.ListBuilds, api.ListBuildsParams{UserID: user.ID, QueryOpts: count}),
		}
	}
	if err := batch.Do(ctx, c); err != nil {
		return nil, err
	}
	details := make([]userDetails, len(users))
	for i, r := range results {
		for _, err := range []error{r.perms.Err, r.packages.Err, r.tasks.Err, r.builds.Err} {
			if err != nil {
				return nil, err
			}
		}
		packages, _ := r.packages.Value.(int64) // as countOnly answers
		details[i] = userDetails{users[i], r.perms.Value, packages, deref(r.tasks.Value.Count), deref(r.builds.Value.Count)}
	}
	return details, nil
}

func (d *userDetails) print(w io.Writer) {
	printf(w, "User name: %s\nUser ID: %d\n", d.Name, d.ID)
	if d.KrbPrincipals != nil {
		printf(w, "krb principals:\n")
		printEach(w, *d.KrbPrincipals)
	}
	if len(d.Permissions) > 0 {
		printf(w, "Permissions:\n")
		printEach(w, d.Permissions)
	}
	if groups := deref(d.Groups); len(groups) > 0 {
		printf(w, "Groups:\n")
		printEach(w, slices.Sorted(slices.Values(groups)))
	}
	printf(w, "Status: %s\nUsertype: %s\n", d.Status, d.UserType)
	printf(w, "Number of packages: %d\nNumber of tasks: %d\nNumber of builds: %d\n\n", d.Packages, d.Tasks, d.Builds)
}

func printEach(w io.Writer, items []string) {
	for _, item := range items {
		printf(w, "  %s\n", item)
	}
}
