package rpc

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Param is one parameter of a method, from the tag of its field.
type Param struct {
	Name     string
	Optional bool
	Default  any    // of a decoded type; nil for None
	Literal  string // the default as written in the tag
	Rest     Rest
	Kind     Kind   // of the values that it takes
	Doc      string // a few words for people, from the tag `doc`
	index    []int
}

// Rest tells which arguments a parameter takes.
type Rest string

// A parameter takes one argument, or the rest of the positional or of the
// keyword arguments.
const (
	RestNone       Rest = ""
	RestPositional Rest = "*"
	RestKeyword    Rest = "**"
)

// String returns the parameter as Python writes it in a signature.
func (p Param) String() string {
	if p.Optional {
		return p.Name + "=" + p.Literal
	}
	return string(p.Rest) + p.Name
}

// plan is how a struct type takes arguments.
type plan struct {
	params   []Param
	named    []Param // those that take one argument
	byName   map[string]int
	required int // number of named parameters without default
	args     []int
	opts     []int
}

var plans sync.Map // reflect.Type -> *plan

// planOf reads the tags of the parameter struct t. It panics when they are
// malformed, which is found out when the method is declared.
func planOf(t reflect.Type) *plan {
	if cached, ok := plans.Load(t); ok {
		return cached.(*plan)
	}
	p, err := newPlan(t)
	if err != nil {
		panic(fmt.Sprintf("rpc: parameters %s: %v", t, err))
	}
	cached, _ := plans.LoadOrStore(t, p)
	return cached.(*plan)
}

func newPlan(t reflect.Type) (*plan, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("want a struct")
	}
	p := &plan{byName: map[string]int{}}
	for _, field := range reflect.VisibleFields(t) {
		tag, tagged := field.Tag.Lookup("rpc")
		if field.Anonymous && !tagged {
			continue // its fields follow
		}
		param, err := parseTag(tag)
		if err == nil {
			param.index, param.Kind, param.Doc = field.Index, kindOfField(field), field.Tag.Get("doc")
			err = p.add(param, field.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.Name, err)
		}
	}
	return p, nil
}

// parseTag reads one of the forms of the package comment.
func parseTag(tag string) (Param, error) {
	name, option, hasOption := strings.Cut(tag, ",")
	p := Param{Name: strings.TrimLeft(name, "*")}
	p.Rest = Rest(name[:len(name)-len(p.Name)])
	if p.Name == "" || len(p.Rest) > 2 {
		return p, fmt.Errorf("bad tag %q", tag)
	}
	if !hasOption {
		return p, nil
	}
	literal, ok := strings.CutPrefix(option, "optional=")
	if !ok || p.Rest != RestNone {
		return p, fmt.Errorf("bad tag %q", tag)
	}
	p.Optional, p.Literal = true, literal
	var err error
	p.Default, err = parseLiteral(literal)
	return p, err
}

func (p *plan) add(param Param, t reflect.Type) error {
	if _, taken := p.byName[param.Name]; taken || p.opts != nil || p.args != nil && param.Rest != RestKeyword {
		return fmt.Errorf("parameter %s is doubled or out of order", param.Name)
	}
	p.params = append(p.params, param)
	switch param.Rest {
	case RestPositional:
		p.args = param.index
		return wantType(t, reflect.TypeFor[[]any]())
	case RestKeyword:
		p.opts = param.index
		return wantType(t, reflect.TypeFor[map[string]any]())
	}
	if !param.Optional {
		if len(p.named) > p.required {
			return fmt.Errorf("required parameter %s after optional ones", param.Name)
		}
		p.required++
	} else if err := convert(reflect.New(t).Elem(), param.Default); err != nil {
		return fmt.Errorf("default: %w", err)
	}
	p.byName[param.Name] = len(p.named)
	p.named = append(p.named, param)
	return nil
}

func wantType(got, want reflect.Type) error {
	if got != want {
		return fmt.Errorf("want type %s, not %s", want, got)
	}
	return nil
}
