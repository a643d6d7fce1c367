package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// requestLines describes the parameters of a task, a line each.
func requestLines(ctx context.Context, h *hub, t *api.Task) ([]string, error) {
	params, err := rpc.Invoke(ctx, h, api.GetTaskRequest, api.TaskParams{TaskID: t.ID})
	if err != nil {
		return nil, err
	}
	lines := []string{}
	describe := describers[t.Method]
	if describe == nil {
		return lines, nil
	}
	r := request{ctx: ctx, hub: h, params: params, lines: lines}
	if err := describe(&r); err != nil {
		return []string{"Unable to parse task parameters"}, nil
	}
	return r.lines, nil
}

// request is a task's request while it is described.
type request struct {
	ctx    context.Context
	hub    *hub
	params []any // as stored: keywords are the last
	lines  []string
}

// describers write the lines for a type's requests. Their errors are requests
// that are not as they should be.
var describers = map[string]func(*request) error{
	"build":            func(r *request) error { return r.named("Source", "Build Target", options1) },
	"buildArch":        (*request).buildArch,
	"buildSRPMFromSCM": func(r *request) error { return r.named("SCM URL") },
	"chainbuild":       (*request).chainBuild,
	"createrepo":       (*request).createrepo,
	"dependantTask":    (*request).dependantTask,
	"newRepo":          (*request).newRepo,
	"tagBuild":         (*request).tagBuild,
	"waitrepo":         (*request).waitRepo,
}

// options1 is the name of a parameter that is a map of options.
const options1 = "Options"

func (r *request) add(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// param returns a parameter; it is an error if there are fewer.
func (r *request) param(i int) (any, error) {
	if i >= len(r.params) {
		return nil, fmt.Errorf("request has %d parameters", len(r.params))
	}
	return r.params[i], nil
}

// named describes parameters by their names in order.
func (r *request) named(names ...string) error {
	for i, name := range names {
		if name == options1 {
			r.options(i)
			continue
		}
		v, err := r.param(i)
		if err != nil {
			return err
		}
		r.add("%s: %s", name, pyStr(v))
	}
	return nil
}

// options describes the options that are parameter i, if they are given.
func (r *request) options(i int) {
	if i >= len(r.params) {
		return
	}
	opts, ok := r.params[i].(map[string]any)
	if !ok || len(opts) == 0 {
		return
	}
	r.add("Options:")
	for _, name := range slices.Sorted(maps.Keys(opts)) {
		if name != "__starstar" {
			r.add("  %s: %s", name, pyStr(opts[name]))
		}
	}
}

func (r *request) buildArch() error {
	if len(r.params) < 4 {
		return fmt.Errorf("request has %d parameters", len(r.params))
	}
	r.add("SRPM: %s/work/%s", r.hub.profile.TopDir, pyStr(r.params[0]))
	name, err := r.tagName(r.params[1])
	if err != nil {
		return err
	}
	if name == "" {
		name = pyStr(r.params[1]) + " (deleted)"
	}
	r.add("Build Tag: %s", name)
	r.add("Build Arch: %s", pyStr(r.params[2]))
	r.add("SRPM Kept: %s", xmlrpc.Repr(r.params[3]))
	r.options(4)
	return nil
}

// tagName returns the name of a tag, "" for one that does not exist.
func (r *request) tagName(tag any) (string, error) {
	t, err := rpc.Invoke(r.ctx, r.hub, api.GetTag, api.GetTagParams{TagInfo: tag})
	if err != nil || t == nil {
		return "", err
	}
	return t.Name, nil
}

func (r *request) tagBuild() error {
	build, err := r.param(1)
	if err != nil {
		return err
	}
	b, err := rpc.Invoke(r.ctx, r.hub, api.GetBuild, api.BuildParams{BuildInfo: build})
	if err != nil {
		return err
	}
	tag, err := r.tagName(r.params[0])
	if err != nil {
		return err
	}
	if b == nil || tag == "" {
		return koji.GenericErrorf("No such build or tag")
	}
	r.add("Destination Tag: %s", tag)
	r.add("Build: %s", b.Parts())
	return nil
}

func (r *request) newRepo() error {
	tag, err := r.param(0)
	if err != nil {
		return err
	}
	name, err := r.tagName(tag)
	if err == nil && name == "" {
		err = koji.GenericErrorf("No such tag")
	}
	r.add("Tag: %s", name)
	return err
}

func (r *request) createrepo() error {
	if err := r.named("Repo ID", "Arch"); err != nil {
		return err
	}
	if old, ok := at(r.params, 2).(map[string]any); ok {
		r.add("Old Repo ID: %s", pyStr(old["id"]))
	}
	return nil
}

func (r *request) dependantTask() error {
	wait, ok := at(r.params, 0).([]any)
	subtasks, ok2 := at(r.params, 1).([]any)
	if !ok || !ok2 {
		return fmt.Errorf("want two lists")
	}
	r.add("Dependant Tasks: %s", joined(wait))
	r.add("Subtasks:")
	for _, subtask := range subtasks {
		parts, _ := subtask.([]any)
		args, _ := at(parts, 1).([]any)
		r.add("  Method: %s", pyStr(at(parts, 0)))
		r.add("  Parameters: %s", joined(args))
		if opts, ok := at(parts, 2).(map[string]any); ok && len(opts) > 0 {
			r.add("  Options:")
			for _, name := range slices.Sorted(maps.Keys(opts)) {
				r.add("    %s: %s", name, pyStr(opts[name]))
			}
		}
		r.add("")
	}
	return nil
}

func (r *request) chainBuild() error {
	groups, ok := at(r.params, 0).([]any)
	if !ok {
		return fmt.Errorf("want groups of builds")
	}
	r.add("Build Groups:")
	for i, group := range groups {
		list, _ := group.([]any)
		r.add("  %d: %s", i+1, joined(list))
	}
	r.add("Build Target: %s", pyStr(at(r.params, 1)))
	r.options(2)
	return nil
}

func (r *request) waitRepo() error {
	if err := r.named("Build Target"); err != nil {
		return err
	}
	if newer := at(r.params, 1); newer != nil {
		r.add("Newer Than: %s", pyStr(newer))
	}
	if nvrs, ok := at(r.params, 2).([]any); ok && len(nvrs) > 0 {
		r.add("NVRs: %s", joined(nvrs))
	}
	return nil
}

// at returns an item of a list, nil where there is none.
func at(list []any, i int) any {
	if i >= len(list) {
		return nil
	}
	return list[i]
}

func joined(list []any) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = pyStr(v)
	}
	return strings.Join(texts, ", ")
}

// pyStr returns a value as Python's str does.
func pyStr(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return xmlrpc.Repr(v)
}
