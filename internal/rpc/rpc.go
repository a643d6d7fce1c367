// Package rpc binds typed Go functions to the names of Koji's XML-RPC methods.
//
// A method is declared once, in package koji/api, by the Go types of its
// parameters and its result; the hub binds a function of these types to it, and
// the web, the command line and the builders invoke it through the same
// declaration:
//
//	koji/api/tags.go   type GetTagParams struct {
//	                           TagInfo any  `rpc:"tagInfo"`
//	                           Strict  bool `rpc:"strict,optional=False"`
//	                   }
//	                   var GetTag = rpc.Define(rpc.Method[GetTagParams, *Tag]{Name: "getTag", ...})
//	hub/tags.go        rpc.Bind(r, api.GetTag, h.getTag)
//	cli/taginfo.go     tag, err := rpc.Invoke(ctx, hub, api.GetTag, api.GetTagParams{TagInfo: "f40"})
//
// # Parameters
//
// The fields of a parameter struct are the parameters in the order of the wire.
// Each has a tag:
//
//	`rpc:"name"`                  required
//	`rpc:"name,optional=False"`   optional, with its default as a Python literal:
//	                              None, True, False, a number, 'text', [], () or {}
//	`rpc:"*args"`                 []any, takes all further positional arguments
//	`rpc:"**opts"`                map[string]any, takes all other keyword arguments
//
// The default is applied when the argument is missing and shown by _listapi.
// None given for an optional parameter, or for one whose type can be nil, is the
// zero value. A tag doc:"..." says in a few words what a parameter is, for those who
// make a task on the command line, and kind:"file" that they may name a file of
// theirs, to be uploaded. A parameter that Koji takes in several forms (id, name or map) is of
// type any and arrives as one of the decoded types of package koji/xmlrpc.
package rpc

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Access says who may call a method. It is data, so that it can be listed,
// documented and compared in reviews. What depends on the arguments of a call is
// checked by the method itself.
type Access struct {
	Login bool     // a session is needed
	Perms []string // and one of these permissions, if any are named; admin has all
	Host  bool     // and the caller must be a build host
}

// Method is one entry of the wire contract: its name, who may call it, its
// documentation and the Go types of its parameters (P, a struct) and result (R).
type Method[P, R any] struct {
	Name   string
	Access *Access
	Doc    string
	// Writes tells that the method changes the database: its calls run in a transaction.
	Writes bool
	// Func is the name of Koji's function where it is not that of the method, for
	// the faults about its arguments: "get_tag() missing 1 required ...".
	Func string
	// Undocumented hides Doc from clients. Koji: some methods have no documentation,
	// and list-api prints their signature alone.
	Undocumented bool
	// Ordered tells that structs in arguments of a call over the wire, where their
	// parameter takes anything, are of type xmlrpc.Ordered and keep their order.
	Ordered bool
}

// Declaration is what is known of a method without its code.
type Declaration struct {
	Name         string
	Doc          string
	Access       *Access
	Writes       bool
	Undocumented bool
	Ordered      bool
	Params       []Param
	ParamsType   reflect.Type // P of the Method
	ResultType   reflect.Type // R of the Method
	function     string
}

var declared []Declaration

// Define adds m to the contract. It is called from package variables only and
// panics when a part is missing or the parameter struct is malformed.
func Define[P, R any](m Method[P, R]) Method[P, R] {
	if m.Name == "" || m.Access == nil || m.Doc == "" {
		panic(fmt.Sprintf("rpc: incomplete method %+v", m))
	}
	declared = append(declared, m.declaration())
	return m
}

// Declared lists all defined methods by name.
func Declared() []Declaration {
	return slices.SortedFunc(slices.Values(declared), func(a, b Declaration) int { return strings.Compare(a.Name, b.Name) })
}

// OrderedMethods returns the names of the methods that want their structs in order.
func OrderedMethods() []string {
	var names []string
	for _, d := range declared {
		if d.Ordered {
			names = append(names, d.Name)
		}
	}
	return names
}

func (m Method[P, R]) declaration() Declaration {
	t := reflect.TypeFor[P]()
	return Declaration{
		Name: m.Name, Doc: m.Doc, Access: m.Access, Writes: m.Writes, Undocumented: m.Undocumented, Ordered: m.Ordered,
		Params: planOf(t).params, ParamsType: t, ResultType: reflect.TypeFor[R](),
		function: functionName(m.Name, m.Func),
	}
}

// functionName returns the name by which Koji's faults call a method's function.
func functionName(method, function string) string {
	if function != "" {
		return function
	}
	for prefix, class := range map[string]string{"host.": "HostExports.", "repo.": "RepoExports."} {
		if name, ok := strings.CutPrefix(method, prefix); ok {
			return class + name
		}
	}
	return "RootExports." + method
}

// Caller calls a method by name: a Registry within the process, or an HTTP
// client. The result is as decoded, or of the Go type the method returned.
type Caller interface {
	Call(ctx context.Context, method string, args []any) (any, error)
}

// Invoke calls m through c. Trailing optional parameters that equal their
// default are not sent. Faults of the hub are errors of type *koji.Error.
func Invoke[P, R any](ctx context.Context, c Caller, m Method[P, R], p P) (R, error) {
	var result R
	args, err := EncodeShort(p)
	if err != nil {
		return result, fmt.Errorf("encode parameters of %s: %w", m.Name, err)
	}
	v, err := c.Call(ctx, m.Name, args)
	if err != nil {
		return result, err
	}
	if typed, ok := v.(R); ok {
		return typed, nil
	}
	if err := Into(v, &result); err != nil {
		return result, fmt.Errorf("result of %s: %w", m.Name, err)
	}
	return result, nil
}
