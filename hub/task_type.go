package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTaskTypes(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.ListTaskTypes, h.listTaskTypes)
	rpc.Bind(r, api.RegisterTaskTypes, h.registerTaskTypes)
	rpc.Bind(r, api.RemoveTaskType, h.removeTaskType)
}

// permTaskType lets a host register task types.
const permTaskType = "task-type"

// maxHostTypes bounds how many types one host may register.
const maxHostTypes = 100

func (h *Hub) listTaskTypes(ctx context.Context, _ api.NoParams) ([]api.TaskType, error) {
	sites, err := h.Store.SiteTypes(ctx)
	if err != nil {
		return nil, err
	}
	var list []api.TaskType
	for _, e := range task.All() {
		list = append(list, api.TaskType{Spec: e.Spec(), InHub: e.Queue == task.System})
	}
	for _, t := range sites {
		list = append(list, api.TaskType{Spec: t.Spec, Site: true, Hosts: t.Hosts})
	}
	slices.SortStableFunc(list, func(a, b api.TaskType) int { return a.Compare(b.Spec) })
	return list, nil
}

func (h *Hub) registerTaskTypes(ctx context.Context, p api.RegisterTaskTypesParams) (rpc.None, error) {
	s := session.From(ctx)
	host, err := s.AssertHost()
	if err != nil {
		return rpc.None{}, err
	}
	if err := s.AssertPerm(permTaskType); err != nil {
		return rpc.None{}, err
	}
	if len(p.Types) > maxHostTypes {
		return rpc.None{}, koji.ParameterErrorf("a host serves %d task types at most", maxHostTypes)
	}
	if err := h.Store.LockSiteTypes(ctx); err != nil {
		return rpc.None{}, err
	}
	for i, spec := range p.Types {
		if slices.ContainsFunc(p.Types[:i], func(other task.Spec) bool { return other.Name == spec.Name }) {
			return rpc.None{}, koji.ParameterErrorf("task type %s is there twice", spec.Name)
		}
		if err := h.registerTaskType(ctx, spec, s.UserID); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, h.Store.SetHostTypes(ctx, host, p.Types)
}

// registerTaskType records a type, unless it is recorded already. Who changes a
// declaration raises its version: hosts that still serve the old one get no tasks
// of the type any more.
func (h *Hub) registerTaskType(ctx context.Context, spec task.Spec, user int64) error {
	if err := h.checkTaskType(ctx, spec); err != nil {
		return err
	}
	known, err := h.Store.SiteType(ctx, spec.Name)
	switch {
	case err != nil:
		return err
	case known == nil || known.Version < spec.Version:
		h.Log.InfoContext(ctx, "task type registered", "type", spec.Name, "version", spec.Version, "user", user)
		return h.Store.PutSiteType(ctx, spec, user)
	case known.Version > spec.Version:
		return koji.GenericErrorf("task type %s is registered in version %d, which is newer than %d", spec.Name, known.Version, spec.Version)
	case !spec.Equal(known.Spec):
		return koji.GenericErrorf("task type %s is registered in version %d with another declaration: raise the version", spec.Name, spec.Version)
	}
	return nil
}

// checkTaskType refuses a declaration that makes no sense here, or takes a name
// that is Koji's or Toji's own.
func (h *Hub) checkTaskType(ctx context.Context, spec task.Spec) error {
	if !rpc.IsName(spec.Name) {
		return koji.ParameterErrorf("bad name of a task type: %q", spec.Name)
	}
	_, declared := task.Lookup(spec.Name)
	if _, own := taskParams[spec.Name]; own || declared {
		return koji.GenericErrorf("task type %s is not a site's to declare", spec.Name)
	}
	if _, err := spec.Entry(); err != nil {
		return err
	}
	if spec.Channel != "" {
		if _, err := h.enabledChannel(ctx, spec.Channel); err != nil {
			return err
		}
	}
	if spec.Permission == "" || spec.Permission == task.AnyUser {
		return nil
	}
	perms, err := h.Store.Permissions(ctx)
	if err == nil && !slices.ContainsFunc(perms, func(p api.Permission) bool { return p.Name == spec.Permission }) {
		err = koji.GenericErrorf("task type %s: there is no permission %s", spec.Name, spec.Permission)
	}
	return err
}

// assertMayMake lets those make a task that the declaration of its type names.
// Others than admins choose nothing but its channel and arch, and no priority
// above the usual one; and what they ask for must fit the type.
func (h *Hub) assertMayMake(ctx context.Context, p api.MakeTaskParams) error {
	s := session.From(ctx)
	e, ok, err := h.Store.TaskType(ctx, p.Method)
	switch {
	case err != nil:
		return err
	case !ok || e.Permission == "":
		err = s.AssertPerm("admin")
	case e.Permission == task.AnyUser:
		err = s.AssertLogin()
	default:
		err = s.AssertPerm(e.Permission)
	}
	if err != nil {
		return err
	}
	// Koji: a request of one of its own types is not looked into before it is carried out.
	if e.Permission != "" || e.Site {
		if _, err := e.Decode(xmlrpc.SplitKeywords(p.ArgList)); err != nil {
			return err
		}
	}
	if s.HasPerm("admin") {
		return nil
	}
	for name, v := range p.Opts {
		switch name {
		case "channel", "arch":
		case "priority":
			var priority int
			if err := rpc.Into(v, &priority); err != nil {
				return err
			}
			if priority < PriorityDefault {
				return koji.ActionNotAllowedf("only admins may create high-priority tasks")
			}
		default:
			return koji.ActionNotAllowedf("only admins may choose a task's %s", name)
		}
	}
	return nil
}

func (h *Hub) removeTaskType(ctx context.Context, p api.TaskTypeParams) (bool, error) {
	return h.Store.RemoveSiteType(ctx, p.Name)
}
