package cli

import (
	"context"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// rpmDetails is what rpminfo shows.
type rpmDetails struct {
	api.RPM
	Build        *api.Build        `rpc:"build"` // nil for RPMs of external repositories
	SRPM         *api.RPM          `rpc:"srpm"`
	ExternalRepo *api.ExternalRepo `rpc:"external_repo"`
	License      any               `rpc:"license"`
	Buildroot    *api.Buildroot    `rpc:"buildroot"`         // that it was built in
	UsedIn       []api.Buildroot   `rpc:"used_in,omitempty"` // if asked for
}

func rpmInfo(a *app) *cobra.Command {
	var buildroots bool
	cmd := &cobra.Command{
		Use:     "rpminfo [options] <n-v-r.a|id> [<n-v-r.a|id> ...]",
		Short:   "Print basic information about an RPM",
		Example: "  toji rpminfo hello-1.0-1.x86_64",
		GroupID: info,
		Args:    nargs(1, -1, "Please specify an RPM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			var missing error
			for _, arg := range args {
				d, err := rpmDetailsOf(cmd.Context(), h, arg, buildroots)
				if err != nil {
					return err
				}
				if d == nil {
					printf(a.Stderr, "No such rpm: %s\n\n", arg)
					missing = errFailed
					continue
				}
				if err := a.show(cmd, d, func(w io.Writer) { a.printRPM(w, h, d, buildroots) }); err != nil {
					return err
				}
			}
			return missing
		},
	}
	cmd.Flags().BoolVar(&buildroots, "buildroots", false, "show buildroots the rpm was used in")
	jsonFlag(cmd)
	return cmd
}

// findRPM returns nil for an RPM that does not exist.
func findRPM(ctx context.Context, c rpc.Caller, name any) (*api.RPM, error) {
	v, err := rpc.Invoke(ctx, c, api.GetRPM, api.GetRPMParams{RPMInfo: name})
	if err != nil {
		return nil, err
	}
	var found *api.RPM
	err = rpc.Into(v, &found)
	return found, err
}

// rpmDetailsOf returns nil for an RPM that does not exist.
func rpmDetailsOf(ctx context.Context, c rpc.Caller, name string, buildroots bool) (*rpmDetails, error) {
	found, err := findRPM(ctx, c, name)
	if err != nil || found == nil {
		return nil, err
	}
	d := &rpmDetails{RPM: *found}
	if d.ExternalRepoID != 0 {
		d.ExternalRepo, err = rpc.Invoke(ctx, c, api.GetExternalRepo, api.GetExternalRepoParams{Info: d.ExternalRepoID})
	} else {
		err = d.addBuild(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	if d.BuildrootID != nil {
		d.Buildroot, err = rpc.Invoke(ctx, c, api.GetBuildroot, api.GetBuildrootParams{BuildrootID: *d.BuildrootID})
		if err != nil {
			return nil, err
		}
	}
	if buildroots {
		p := api.ListBuildrootsParams{RPMID: &d.ID, QueryOpts: map[string]any{"order": "buildroot.id"}}
		rows, err := rpc.Invoke(ctx, c, api.ListBuildroots, p)
		d.UsedIn = rows.List
		return d, err
	}
	return d, nil
}

// addBuild adds what is known of an RPM of our own.
func (d *rpmDetails) addBuild(ctx context.Context, c rpc.Caller) error {
	if d.Arch == "src" {
		d.SRPM = &d.RPM
	} else {
		rows, err := rpc.Invoke(ctx, c, api.ListRPMs, api.ListRPMsParams{BuildID: d.BuildID, Arches: "src"})
		if err != nil {
			return err
		}
		if len(rows.List) > 0 {
			d.SRPM = &rows.List[0].RPM
		}
	}
	var err error
	if d.Build, err = rpc.Invoke(ctx, c, api.GetBuild, api.BuildParams{BuildInfo: deref(d.BuildID)}); err != nil {
		return err
	}
	headers, err := rpc.Invoke(ctx, c, api.GetRPMHeaders, api.GetRPMHeadersParams{RPMID: d.ID, Headers: []string{"license"}})
	d.License = headers.Get("license")
	return err
}

func (a *app) printRPM(w io.Writer, h *hub, d *rpmDetails, buildroots bool) {
	printf(w, "RPM: %s%s [%d]\n", epochPrefix(d.Epoch), d.Parts(), d.ID)
	if deref(d.Draft) {
		printf(w, "Draft: YES\n")
	}
	if d.ExternalRepo != nil {
		printf(w, "External Repository: %s [%d]\n", d.ExternalRepo.Name, d.ExternalRepo.ID)
		printf(w, "External Repository url: %s\n", d.ExternalRepo.URL)
	} else if d.Build != nil {
		a.printRPMBuild(w, koji.PathInfo{TopDir: h.profile.TopDir}, d)
	}
	printf(w, "SIGMD5: %s\nSize: %d\n", d.PayloadHash, d.Size)
	if d.License != nil {
		printf(w, "License: %v\n", d.License)
	}
	if d.ExternalRepo == nil {
		printf(w, "Build ID: %s\n", orNone(d.BuildID))
	}
	printRPMBuildroot(w, d.Buildroot)
	if extra := d.Extra.Object(); len(extra) > 0 {
		printf(w, "Extra: %s\n", xmlrpc.Repr(map[string]any(extra)))
	}
	if buildroots {
		printUses(w, d.UsedIn)
	}
}

func (a *app) printRPMBuild(w io.Writer, top koji.PathInfo, d *rpmDetails) {
	dir := top.Build(d.Build.VolumeName, d.Build.Parts())
	printf(w, "Build: %s [%d]\n", d.Build.NVR, d.Build.ID)
	printf(w, "RPM Path: %s/%s\n", dir, top.RPM(d.Parts()))
	if s := d.SRPM; s != nil {
		printf(w, "SRPM: %s%s [%d]\n", epochPrefix(s.Epoch), s.Parts().NVR, s.ID)
		printf(w, "SRPM Path: %s/%s\n", dir, top.RPM(s.Parts()))
	} else {
		printf(w, "SRPM: (none)\nSRPM Path: (none)\n")
	}
	built := float64(d.BuildTime)
	printf(w, "Built: %s\n", a.longTime(&built))
}

func epochPrefix(epoch *int64) string {
	if epoch == nil {
		return ""
	}
	return strconv.FormatInt(*epoch, 10) + ":"
}

func printRPMBuildroot(w io.Writer, b *api.Buildroot) {
	switch {
	case b == nil:
		printf(w, "No buildroot data available\n")
	case b.BRType == koji.BuildrootStandard:
		printf(w, "Buildroot: %d (tag %s, arch %s, repo %s)\n", b.ID, orNone(b.TagName), orNone(b.Arch), orNone(b.RepoID))
		printf(w, "Build Host: %s\nBuild Task: %s\n", orNone(b.HostName), orNone(b.TaskID))
	default:
		printf(w, "Content generator: %s\nBuildroot: %d\n", orNone(b.CGName), b.ID)
		printf(w, "Build Host OS: %s (%s)\n", orNone(b.HostOS), orNone(b.HostArch))
	}
}

func printUses(w io.Writer, list []api.Buildroot) {
	printf(w, "Used in %d buildroots:\n", len(list))
	if len(list) > 0 {
		printf(w, "  %8s %-28s %-8s %-29s\n", "id", "build tag", "arch", "build host")
		printf(w, "  %s\n", rule(" ", 8, 28, 8, 29))
	}
	for _, b := range list {
		printf(w, "  %8d %-28s %-8s %-29s\n", b.ID, orNone(b.TagName), orNone(b.Arch), orNone(b.HostName))
	}
}
