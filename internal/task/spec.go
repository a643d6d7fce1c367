package task

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Spec is a task type as data: what the hub tells clients of its types, and what
// a site's own worker tells the hub of those that it serves.
type Spec struct {
	Name       string   `rpc:"name" json:"name"`
	Version    int64    `rpc:"version" json:"version"` // of a site's declaration, from 1; 0 for Toji's own types
	Title      string   `rpc:"title" json:"title"`
	Weight     float64  `rpc:"weight" json:"weight"`
	Channel    string   `rpc:"channel" json:"channel"`       // see Info.Channel
	Permission string   `rpc:"permission" json:"permission"` // see Info.Permission
	Label      []string `rpc:"label" json:"label,omitempty"` // of a site's type: the parameters that name a task in lists
	Params     []Param  `rpc:"params" json:"params"`
	Result     []Member `rpc:"result" json:"result"`
}

// Param is a parameter of a task type.
type Param struct {
	Name     string   `rpc:"name" json:"name"`
	Kind     rpc.Kind `rpc:"kind" json:"kind"`
	Required bool     `rpc:"required" json:"required"`
	Default  string   `rpc:"default" json:"default"` // a Python literal, unless the parameter is required
	Doc      string   `rpc:"doc" json:"doc"`
}

// Member is a member of a result that is a struct.
type Member struct {
	Name string   `rpc:"name" json:"name"`
	Kind rpc.Kind `rpc:"kind" json:"kind"`
	Doc  string   `rpc:"doc" json:"doc"`
}

// membersOf describes a result type.
func membersOf(t reflect.Type) []Member {
	if t.Kind() != reflect.Struct || t.Implements(reflect.TypeFor[xmlrpc.Marshaler]()) {
		return nil
	}
	var list []Member
	for _, f := range xmlrpc.Fields(t) {
		list = append(list, Member{Name: f.Name, Kind: rpc.KindOf(f.Type), Doc: t.FieldByIndex(f.Index).Tag.Get("doc")})
	}
	return list
}

// SpecOf returns a type of the name whose request is a P and whose result is an R,
// both as in Type.
func SpecOf[P, R any](name string) Spec {
	return Entry{
		Info: Info{Method: name}, Params: rpc.ParamsOf(reflect.TypeFor[P]()), Result: membersOf(reflect.TypeFor[R]()),
	}.Spec()
}

// Spec is the entry as data.
func (e Entry) Spec() Spec {
	s := Spec{
		Name: e.Method, Version: e.Version, Title: e.Title, Weight: e.Weight, Channel: e.Channel, Permission: e.Permission,
		Params: make([]Param, len(e.Params)), Result: e.Result,
	}
	for i, p := range e.Params {
		s.Params[i] = Param{Name: string(p.Rest) + p.Name, Kind: p.Kind, Required: !p.Optional && p.Rest == rpc.RestNone, Default: p.Literal, Doc: p.Doc}
	}
	return s
}

// SiteWorkflow is the Temporal workflow of all types that sites add.
const SiteWorkflow = "site"

// Entry makes a site's type known. The error is a koji.ParameterError that says
// what is wrong with the declaration.
func (s Spec) Entry() (Entry, error) {
	params := make([]rpc.Param, len(s.Params))
	for i, p := range s.Params {
		params[i] = rpc.Param{Name: p.Name, Kind: p.Kind, Optional: !p.Required, Literal: p.Default, Doc: p.Doc}
	}
	t, err := rpc.StructOf(params)
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return Entry{}, koji.ParameterErrorf("task type %s: %w", s.Name, err)
	}
	decode := func(args []any, kw map[string]any) (reflect.Value, error) {
		p := reflect.New(t)
		return p, rpc.Decode(args, kw, p.Interface())
	}
	return Entry{
		Info:   Info{Method: s.Name, Weight: s.Weight, Queue: Host, Title: s.Title, Channel: s.Channel, Permission: s.Permission},
		Params: params, Result: s.Result, Workflow: SiteWorkflow, Site: true, Version: s.Version,
		Decode: func(args []any, kw map[string]any) (any, error) {
			p, err := decode(args, kw)
			return p.Interface(), err
		},
		Describe: func(args []any, kw map[string]any) string {
			p, err := decode(args, kw)
			if err != nil {
				return ""
			}
			return s.describe(p.Elem())
		},
	}, nil
}

// Bounds of a declaration: it is shown on pages and in lists.
const (
	maxParams = 64
	maxText   = 500 // bytes of a title or of what is said about a parameter
)

func (s Spec) check() error {
	texts := []string{s.Title, s.Channel, s.Permission}
	for _, p := range s.Params {
		texts = append(texts, p.Doc, p.Default)
	}
	for _, m := range s.Result {
		texts = append(texts, m.Name, m.Doc)
	}
	named := func(name string) bool {
		return slices.ContainsFunc(s.Params, func(p Param) bool { return p.Name == name })
	}
	switch {
	case s.Version < 1 || s.Version > 1<<31-1:
		return fmt.Errorf("its version is %d, the first one is 1", s.Version)
	case strings.TrimSpace(s.Title) == "":
		return fmt.Errorf("it has no title")
	case !(s.Weight >= 0 && s.Weight <= 1000):
		return fmt.Errorf("a task cannot weigh %v", s.Weight)
	case len(s.Params) > maxParams || len(s.Result) > maxParams:
		return fmt.Errorf("more than %d parameters, or members of the result", maxParams)
	case slices.ContainsFunc(texts, func(text string) bool { return len(text) > maxText || strings.ContainsRune(text, 0) }):
		return fmt.Errorf("a text has more than %d bytes, or a NUL", maxText)
	}
	for _, name := range s.Label {
		if !named(name) {
			return fmt.Errorf("its label is made of a parameter %s, which it has not", name)
		}
	}
	return nil
}

// describe names one task: "work/a.txt, 10".
func (s Spec) describe(params reflect.Value) string {
	var parts []string
	for i, p := range s.Params {
		if v := params.Field(i).Interface(); slices.Contains(s.Label, p.Name) && v != nil {
			parts = append(parts, fmt.Sprint(v))
		}
	}
	return strings.Join(parts, ", ")
}

// Compare orders types by name, without regard to case.
func (s Spec) Compare(other Spec) int {
	return cmp.Compare(strings.ToLower(s.Name), strings.ToLower(other.Name))
}

// Equal tells whether two declarations say the same.
func (s Spec) Equal(other Spec) bool {
	a, errA := json.Marshal(s)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// SiteRequest is what the workflow of a site's type is started with, and what the
// site's worker gets of it.
type SiteRequest struct {
	Weight  float64 `json:"weight,omitempty"`
	Request string  `json:"request"` // XML-RPC text; its types are lost in JSON
}

// SiteResult is what a site's worker made of a task.
type SiteResult struct {
	Text string `json:"result"` // XML-RPC text
}

// MarshalXMLRPC returns the result.
func (r SiteResult) MarshalXMLRPC() (any, error) { return xmlrpc.UnmarshalResult(r.Text) }

// UnmarshalXMLRPC takes any result.
func (r *SiteResult) UnmarshalXMLRPC(v any) (err error) {
	r.Text, err = xmlrpc.MarshalResult(v)
	return err
}

// SiteActivity is the name of the activity by which a site's worker serves a type.
func SiteActivity(method string) string { return "site:" + method }
