package rpc

import (
	"strings"
)

// APIEntry describes a method in the answer of _listapi.
type APIEntry struct {
	Name string  `rpc:"name"`
	Doc  *string `rpc:"doc"`
	// ArgSpec is Python's getfullargspec: names, name of *args, name of **opts,
	// defaults of the last names, and what keyword-only arguments and annotations
	// there would be.
	ArgSpec []any  `rpc:"argspec"`
	ArgDesc string `rpc:"argdesc"` // "(tagInfo, strict=False)"
	Args    []any  `rpc:"args"`    // names, or [name, default]
}

// ListAPI is the answer of _listapi: every bound method, by name.
func (r *Registry) ListAPI() []APIEntry {
	list := make([]APIEntry, 0, len(r.entries))
	for _, name := range r.Names() {
		list = append(list, r.entries[name].apiEntry())
	}
	return list
}

// MethodHelp is the answer of system.methodHelp: the signature of a method and
// its documentation, or "" when there is no such method.
func (r *Registry) MethodHelp(method string) string {
	e, ok := r.entries[method]
	if !ok {
		return ""
	}
	help := e.Name + e.ArgDesc()
	if !e.Undocumented {
		help += "\ndescription: " + e.Doc
	}
	return help
}

// MethodSignature is the answer of system.methodSignature.
// Koji: the same for every method, whether it exists or not.
func (r *Registry) MethodSignature(string) string { return "signatures not supported" }

// ArgDesc returns the parameters as Python writes a signature.
func (d *Declaration) ArgDesc() string {
	params := make([]string, len(d.Params))
	for i, p := range d.Params {
		params[i] = p.String()
	}
	return "(" + strings.Join(params, ", ") + ")"
}

func (d *Declaration) apiEntry() APIEntry {
	e := APIEntry{Name: d.Name, ArgDesc: d.ArgDesc(), Args: []any{}}
	if !d.Undocumented {
		e.Doc = &d.Doc
	}
	names, defaults := []any{}, []any{}
	var args, opts any
	for _, p := range d.Params {
		switch {
		case p.Rest == RestPositional:
			args = p.Name
		case p.Rest == RestKeyword:
			opts = p.Name
		default:
			names = append(names, p.Name)
		}
		if p.Optional {
			defaults = append(defaults, p.Default)
			e.Args = append(e.Args, []any{p.Name, p.Default})
		} else {
			e.Args = append(e.Args, p.Name)
		}
	}
	var given any
	if len(defaults) > 0 {
		given = defaults
	}
	e.ArgSpec = []any{names, args, opts, given, []any{}, nil, map[string]any{}}
	return e
}
