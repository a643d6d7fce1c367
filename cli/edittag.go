package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// editTagOptions are those of edit-tag.
type editTagOptions struct {
	arches, perm, rename           string
	noPerm                         bool
	locked, maven, includeAll      *bool
	extra, removeExtra, blockExtra []string
}

func editTag(a *app) *cobra.Command {
	var o editTagOptions
	cmd := &cobra.Command{
		Use:     "edit-tag [options] <name>",
		Short:   "Alter tag information",
		Example: "  toji edit-tag f40-build --arches \"x86_64 aarch64\" -x mock.package_manager=dnf5",
		GroupID: admin,
		Args:    nargs(1, 1, "Please specify a name for the tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes, err := o.changes()
			if err != nil {
				return err
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			_, err = rpc.Invoke(cmd.Context(), h, api.EditTag2, api.EditTag2Params{TagInfo: args[0], Changes: changes})
			return err
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.arches, "arches", "", "specify arches")
	fs.StringVar(&o.perm, "perm", "", "specify permission requirement")
	fs.BoolVar(&o.noPerm, "no-perm", false, "remove permission requirement")
	choice(fs, &o.locked, true, "lock", "lock the tag")
	choice(fs, &o.locked, false, "unlock", "unlock the tag")
	fs.StringVar(&o.rename, "rename", "", "rename the tag")
	choice(fs, &o.maven, true, "maven-support", "enable creation of Maven repos for this tag")
	choice(fs, &o.maven, false, "no-maven-support", "disable creation of Maven repos for this tag")
	choice(fs, &o.includeAll, true, "include-all", "include all packages in this tag when generating Maven repos")
	choice(fs, &o.includeAll, false, "no-include-all", "do not include all packages in this tag when generating Maven repos")
	fs.StringArrayVarP(&o.extra, "extra", "x", nil, "set tag extra option, `key=value`. JSON-encoded or simple value")
	fs.StringArrayVarP(&o.removeExtra, "remove-extra", "r", nil, "remove tag extra option `key`")
	fs.StringArrayVarP(&o.blockExtra, "block-extra", "b", nil, "block inherited tag extra option `key`")
	a.complete(cmd, nil, a.tags)
	return cmd
}

// changes returns what editTag2 is to change.
func (o *editTagOptions) changes() (map[string]any, error) {
	changes := map[string]any{
		"remove_extra": append([]string{}, o.removeExtra...),
		"block_extra":  append([]string{}, o.blockExtra...),
	}
	if o.arches != "" {
		arches, err := parseArches(o.arches)
		if err != nil {
			return nil, err
		}
		changes["arches"] = arches
	}
	switch {
	case o.noPerm:
		changes["perm"] = nil
	case o.perm != "":
		changes["perm"] = o.perm
	}
	if o.rename != "" {
		changes["name"] = o.rename
	}
	for name, value := range map[string]*bool{"locked": o.locked, "maven_support": o.maven, "maven_include_all": o.includeAll} {
		if value != nil {
			changes[name] = *value
		}
	}
	extra, err := parseExtra(o.extra)
	if err != nil || extra == nil {
		return changes, err
	}
	if len(extra) < len(o.extra) {
		return nil, usagef("Duplicate extra key")
	}
	for name, value := range extra {
		if text, ok := value.(string); ok {
			if v, err := api.ParseJSON(text); err == nil {
				extra[name] = v
			}
		}
	}
	changes["extra"] = extra
	return changes, nil
}
