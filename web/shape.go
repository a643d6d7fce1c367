package web

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// node is a value of any shape, for the template "node" to show: a text, a list
// or members.
type node struct {
	Text    string
	URL     string // where Text leads, if anywhere
	List    []*node
	Members []member
}

// member is a named part of a node.
type member struct {
	Name  string
	Doc   string // what its type's declaration says about it
	Value *node
}

// Empty tells whether there is nothing to show.
func (n *node) Empty() bool {
	return n == nil || n.Text == "" && len(n.List) == 0 && len(n.Members) == 0
}

// shape makes a node of a decoded value.
func shape(v any) *node {
	switch v := v.(type) {
	case nil:
		return &node{}
	case string:
		return &node{Text: v}
	case bool:
		return &node{Text: map[bool]string{true: "yes", false: "no"}[v]}
	case int64:
		return &node{Text: strconv.FormatInt(v, 10)}
	case time.Time:
		return &node{Text: v.UTC().Format(time.DateTime)}
	case []byte:
		return &node{Text: plural(int64(len(v)), "byte", "bytes")}
	case []any:
		n := &node{}
		for _, item := range v {
			n.List = append(n.List, shape(item))
		}
		return n
	case map[string]any:
		n := &node{}
		for name, item := range v {
			n.Members = append(n.Members, named(name, item))
		}
		slices.SortFunc(n.Members, func(a, b member) int { return cmp.Compare(a.Name, b.Name) })
		return n
	}
	if plain, err := xmlrpc.Plain(v); err == nil && reflect.TypeOf(plain) != reflect.TypeOf(v) {
		return shape(plain)
	}
	return &node{Text: fmt.Sprint(v)}
}

// pagesOf are the pages of what members with these names name, or give the id of.
var pagesOf = map[string]string{
	"build_id":  "/builds/",
	"task_id":   "/tasks/",
	"tag":       "/tags/",
	"tag_id":    "/tags/",
	"build_tag": "/tags/",
	"root":      "/tags/",
	"target":    "/targets#",
}

func named(name string, v any) member {
	m := member{Name: name, Value: shape(v)}
	if page := pagesOf[name]; page != "" && m.Value.Text != "" {
		m.Value.URL = page + (&url.URL{Path: m.Value.Text}).EscapedPath()
	}
	return m
}

// parameters shows a task's request: by the names and in the order that its
// type's declaration gives them, without those that say nothing. The request of
// an unknown type is a list.
func parameters(entry *task.Entry, request any) []member {
	params, _ := request.([]any)
	args, kw := xmlrpc.SplitKeywords(params)
	if entry != nil {
		if p, err := entry.Decode(args, kw); err == nil {
			list := fieldsOf(reflect.ValueOf(p).Elem())
			for i := range list {
				for _, param := range entry.Params {
					if param.Name == list[i].Name {
						list[i].Doc = param.Doc
					}
				}
			}
			return list
		}
	}
	var list []member
	for i, arg := range args {
		list = append(list, member{Name: strconv.Itoa(i + 1), Value: shape(arg)})
	}
	return append(list, shape(kw).Members...)
}

// results shows a task's result; the members of a struct in the order, and with
// the words, of its type's declaration, others behind them.
func results(entry *task.Entry, v any) *node {
	n := shape(v)
	if entry == nil || len(n.Members) == 0 {
		return n
	}
	place := func(m member) int {
		i := slices.IndexFunc(entry.Result, func(r task.Member) bool { return r.Name == m.Name })
		if i < 0 {
			return len(entry.Result)
		}
		return i
	}
	slices.SortStableFunc(n.Members, func(a, b member) int { return cmp.Compare(place(a), place(b)) })
	for i, m := range n.Members {
		if at := place(m); at < len(entry.Result) {
			n.Members[i].Doc = entry.Result[at].Doc
		}
	}
	return n
}

// fieldsOf shows the fields of a parameter struct that are set. Options that are
// structs themselves are shown by theirs, in order, too.
func fieldsOf(v reflect.Value) (list []member) {
	for _, f := range xmlrpc.Fields(v.Type()) {
		field := v.FieldByIndex(f.Index)
		if field.IsZero() {
			continue
		}
		if inner := reflect.Indirect(field); inner.Kind() == reflect.Struct && !travelsByItself(inner) {
			list = append(list, fieldsOf(inner)...)
			continue
		}
		plain, err := xmlrpc.Plain(field.Interface())
		if err != nil {
			continue // cannot have come over the wire
		}
		if m := named(f.Name, plain); !m.Value.Empty() {
			list = append(list, m)
		}
	}
	return list
}

func travelsByItself(v reflect.Value) bool {
	_, ok := v.Interface().(xmlrpc.Marshaler)
	return ok
}
