package hub

import (
	"context"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// taskParams names the parameters of the requests that policies can look into,
// in wire order.
var taskParams = map[string][]string{
	"appliance":         {"name", "version", "arch", "target", "ksfile", "opts"},
	"build":             {"src", "target", "opts"},
	"buildMaven":        {"url", "build_tag", "opts"},
	"buildNotification": {"recipients", "build", "target", "weburl"},
	"buildSRPMFromSCM":  {"url", "build_tag", "opts"},
	"chainbuild":        {"srcs", "target", "opts"},
	"chainmaven":        {"builds", "target", "opts"},
	"createAppliance":   {"name", "version", "release", "arch", "target_info", "build_tag", "repo_info", "ksfile", "opts"},
	"createImage":       {"name", "version", "release", "arch", "target_info", "build_tag", "repo_info", "inst_tree", "opts"},
	"createKiwiImage":   {"name", "version", "release", "arch", "target_info", "build_tag", "repo_info", "desc_url", "desc_path", "opts"},
	"createLiveCD":      {"name", "version", "release", "arch", "target_info", "build_tag", "repo_info", "ksfile", "opts"},
	"createLiveMedia":   {"name", "version", "release", "arch", "target_info", "build_tag", "repo_info", "ksfile", "opts"},
	"createdistrepo":    {"tag", "repo_id", "arch", "keys", "opts"},
	"distRepo":          {"tag", "repo_id", "keys", "task_opts"},
	"buildArch":         {"pkg", "root", "arch", "keep_srpm", "opts"},
	"image":             {"name", "version", "arches", "target", "inst_tree", "opts"},
	"indirectionimage":  {"opts"},
	"kiwiBuild":         {"target", "arches", "desc_url", "desc_path", "opts"},
	"livecd":            {"name", "version", "arch", "target", "ksfile", "opts"},
	"livemedia":         {"name", "version", "arches", "target", "ksfile", "opts"},
	"maven":             {"url", "target", "opts"},
	"newRepo":           {"tag", "event", "src", "debuginfo", "separate_src", "opts"},
	"rebuildSRPM":       {"srpm", "build_tag", "opts"},
	"tagBuild":          {"tag_id", "build_id", "force", "fromtag", "ignore_success"},
	"tagNotification":   {"recipients", "is_successful", "tag_info", "from_info", "build_info", "user_info", "ignore_success", "failure_msg"},
	"vmExec":            {"name", "task_info", "opts"},
	"waitrepo":          {"tag", "newer_than", "nvrs", "min_event"},
	"winbuild":          {"name", "source_url", "target", "opts"},
	"wrapperRPM":        {"spec_url", "build_target", "build", "task", "opts"},
}

// requestParams returns a request's parameters by name; none for one that has
// more than its type takes.
func requestParams(method string, args []any) map[string]any {
	args, kw := xmlrpc.SplitKeywords(args)
	names := taskParams[method]
	if len(args) > len(names) {
		return nil
	}
	params := map[string]any{}
	for i, v := range args {
		params[names[i]] = v
	}
	for name, v := range kw {
		params[name] = v
	}
	if method == "indirectionimage" { // Koji: everything stands in its one parameter
		opts, _ := params["opts"].(map[string]any)
		params = map[string]any{"opts": opts}
		for name, v := range opts {
			params[name] = v
		}
	}
	return params
}

// firstOf returns the first of the parameters that is there, even as nil.
func firstOf(params map[string]any, names ...string) (v any, ok bool) {
	for _, name := range names {
		if v, ok = params[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// taskPolicyData is what policies may ask about a task's request: the source,
// target and tags that it names, and whether it is a scratch build. What names
// nothing that exists is left out.
func (h *Hub) taskPolicyData(ctx context.Context, method string, args []any) (policy.Data, error) {
	data := policy.Data{}
	params := requestParams(method, args)
	if method != "newRepo" { // its src says whether to include source packages
		if source, ok := firstOf(params, "src", "spec_url", "url"); ok {
			if _, isText := source.(string); !isText {
				return nil, koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'str'>", pyStr(source), xmlrpc.TypeName(source))
			}
			data["source"] = source
		}
	}
	if target, ok := firstOf(params, "target", "build_target", "target_info"); ok {
		name, err := h.policyTargetName(ctx, target)
		if err != nil {
			return nil, err
		}
		data["target"] = name
	}
	tag, ok := firstOf(params, "tag", "tag_id", "tag_info")
	if err := h.addTagName(ctx, data, "tag", tag, ok); err != nil {
		return nil, err
	}
	tag, ok = params["build_tag"]
	if err := h.addTagName(ctx, data, "build_tag", tag, ok); err != nil {
		return nil, err
	}
	if opts, ok := params["opts"].(map[string]any); ok {
		if scratch, ok := opts["scratch"]; ok {
			data["scratch"] = scratch
		}
	}
	return data, nil
}

// policyTargetName returns a target's name as it is written, nil if there is no
// such target.
func (h *Hub) policyTargetName(ctx context.Context, target any) (any, error) {
	if t, ok := target.(map[string]any); ok {
		target = t["name"]
	}
	ref, ok := policyRef(target)
	if !ok {
		return nil, nil
	}
	row, err := h.Store.Lookup(ctx, store.BuildTargets, ref)
	if err != nil || row == nil {
		return nil, err
	}
	return row.Name, nil
}

func (h *Hub) addTagName(ctx context.Context, data policy.Data, key string, tag any, given bool) error {
	if !given {
		return nil
	}
	_, name, err := h.named(ctx, store.Tags, tag)
	if err == nil && name != "" {
		data[key] = name
	}
	return err
}

// buildTaskPolicyData is taskPolicyData of the task that made a build; nothing
// for a build without one.
func (h *Hub) buildTaskPolicyData(ctx context.Context, taskID *int64) (policy.Data, error) {
	if taskID == nil {
		return nil, nil
	}
	method, request, err := h.Store.TaskRequest(ctx, *taskID)
	if err != nil {
		return nil, err
	}
	_, args, err := xmlrpc.UnmarshalRequest(request)
	if err != nil { // Koji: the policy has to do without
		h.Log.WarnContext(ctx, "policy: cannot read a task's request", "task", *taskID, obs.Error, err)
		return nil, nil
	}
	return h.taskPolicyData(ctx, method, args)
}
