package hub

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindRunroot(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.Runroot, h.runroot)
	rpc.Bind(r, api.SaveFailedTree, h.saveFailedTree)
}

// The channel and priority of runroot tasks, by Koji's plugin.
const (
	runrootChannel  = "runroot"
	runrootPriority = 15
)

func (h *Hub) runroot(ctx context.Context, p api.RunrootParams) (int64, error) {
	arch, err := archesOf(p.Arch, true)
	if err != nil {
		return 0, err
	}
	if arch == "" {
		return 0, koji.GenericErrorf("No arches supplied")
	}
	switch p.Command.(type) {
	case string, []any:
	default:
		return 0, koji.GenericErrorf("Invalid type for value '%s': <class '%s'>", pyStr(p.Command), xmlrpc.TypeName(p.Command))
	}
	o := TaskOpts{Arch: arch, Channel: p.Channel, Priority: new(runrootPriority)}
	if !xmlrpc.Truth(p.Channel) {
		o.Channel = runrootChannel
	}
	tag, err := h.Tag(ctx, p.TagInfo, TagOptions{Strict: true})
	if err != nil {
		return 0, err
	}
	if arch == "noarch" {
		if o.Arch, err = h.runrootArch(ctx, tag, p.TagInfo, o.Channel); err != nil {
			return 0, err
		}
	}
	args := []any{p.TagInfo, arch, p.Command}
	if len(p.Opts) > 0 {
		args = append(args, xmlrpc.Keywords(p.Opts))
	}
	return h.MakeTask(ctx, "runroot", args, o)
}

// runrootArch chooses an arch for a command that would run on any: a buildroot
// of the tag can only be made for the tag's arches.
func (h *Hub) runrootArch(ctx context.Context, tag *api.Tag, info, channel any) (string, error) {
	if tag.Arches == nil || *tag.Arches == "" {
		return "", koji.GenericErrorf("no arches defined for tag %s", tag.Name)
	}
	own := strings.Fields(*tag.Arches)
	all, err := h.getAllArches(ctx, api.NoParams{})
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(all, func(arch string) bool { return !slices.Contains(own, arch) }) {
		return "noarch", nil
	}
	hosts, err := h.listHosts(ctx, api.ListHostsParams{ChannelID: channel, Enabled: new(true)})
	if err != nil {
		return "", err
	}
	var there []string
	for _, host := range hosts {
		if host.Arches == nil {
			continue
		}
		for arch := range strings.FieldsSeq(*host.Arches) {
			there = append(there, koji.CanonArch(arch))
		}
	}
	choices := slices.DeleteFunc(own, func(arch string) bool { return !slices.Contains(there, arch) })
	if len(choices) == 0 {
		return "", koji.GenericErrorf("no common arches for tag/channel: %s/%s", pyStr(info), pyStr(channel))
	}
	return koji.CanonArch(choices[rand.IntN(len(choices))]), nil
}

func (h *Hub) saveFailedTree(ctx context.Context, p api.SaveFailedTreeParams) (int64, error) {
	id, ok := toInt(p.BuildrootID)
	if !ok {
		return 0, koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'int'>",
			pyStr(p.BuildrootID), xmlrpc.TypeName(p.BuildrootID))
	}
	root, err := h.getBuildroot(ctx, api.GetBuildrootParams{BuildrootID: id, Strict: true})
	if err != nil {
		return 0, err
	}
	if root.TaskID == nil || root.HostID == nil {
		return 0, koji.PreBuildErrorf("Buildroot %d was not made by a task.", id)
	}
	if err := h.checkSaveTree(ctx, *root.TaskID); err != nil {
		return 0, err
	}
	args := []any{id, xmlrpc.Truth(p.Full)}
	if len(p.Opts) > 0 {
		args = append(args, xmlrpc.Keywords(p.Opts))
	}
	return h.MakeTask(ctx, "saveFailedTree", args, TaskOpts{Assign: *root.HostID})
}

// checkSaveTree checks that the caller may have the buildroot of a task.
func (h *Hub) checkSaveTree(ctx context.Context, taskID int64) error {
	t, err := h.Store.Task(ctx, taskID)
	if err != nil {
		return err
	}
	if koji.TaskState(t.State) != koji.TaskFailed {
		return koji.PreBuildErrorf("Task %d has not failed. Only failed tasks can upload their buildroots.", taskID)
	}
	allowed := h.SavedTrees.AllowedMethods
	if !slices.Contains(allowed, "*") && !slices.Contains(allowed, t.Method) {
		return koji.PreBuildErrorf("Only %s tasks can upload their buildroots (Task %d is %s).", strings.Join(allowed, ", "), taskID, t.Method)
	}
	s := session.From(ctx)
	if t.Owner != s.UserID && !s.HasPerm("admin") {
		return koji.ActionNotAllowedf("Only owner of failed task or 'admin' can run this task.")
	}
	if t.HostID == nil {
		return koji.PreBuildErrorf("Host is disabled.")
	}
	host, err := h.getHost(ctx, api.GetHostParams{HostInfo: *t.HostID, Strict: true})
	if err == nil && !host.Enabled {
		err = koji.PreBuildErrorf("Host is disabled.")
	}
	return err
}
