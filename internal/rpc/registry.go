package rpc

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Call is a method bound to code, with its types erased. Arguments are of the
// decoded types of package koji/xmlrpc; the result is what the function returned.
type Call func(ctx context.Context, args []any, kw map[string]any) (any, error)

// Entry is a bound method.
type Entry struct {
	Declaration
	Call Call
}

// Registry holds the bound methods. Its zero value is empty and ready to use.
// All methods are bound before the first call.
type Registry struct {
	entries map[string]*Entry
}

// Bind attaches fn to m in r. It panics, at start-up, when the name is taken.
func Bind[P, R any](r *Registry, m Method[P, R], fn func(context.Context, P) (R, error)) {
	if _, taken := r.entries[m.Name]; taken {
		panic("rpc: method bound twice: " + m.Name)
	}
	e := &Entry{Declaration: m.declaration()}
	plan := planOf(e.ParamsType)
	e.Call = func(ctx context.Context, args []any, kw map[string]any) (any, error) {
		var p P
		if err := plan.decode(e.function, args, kw, reflect.ValueOf(&p).Elem()); err != nil {
			return nil, err
		}
		return fn(ctx, p)
	}
	if r.entries == nil {
		r.entries = map[string]*Entry{}
	}
	r.entries[m.Name] = e
}

// BindRows is Bind for a method that answers with a list and a function that may
// leave it to be read while it is written.
func BindRows[P, T any](r *Registry, m Method[P, []T], fn func(context.Context, P) (Rows[T], error)) {
	Bind(r, Method[P, rowList[T]](m), func(ctx context.Context, p P) (rowList[T], error) {
		rows, err := fn(ctx, p)
		return rowList[T]{rows}, err
	})
	r.entries[m.Name].ResultType = reflect.TypeFor[[]T]()
}

// Lookup returns the method with the given name, or Koji's fault that there is none.
func (r *Registry) Lookup(name string) (*Entry, error) {
	if e, ok := r.entries[name]; ok {
		return e, nil
	}
	if name == "" {
		name = "None" // Koji: a request without a method name
	}
	return nil, koji.GenericErrorf("Invalid method: %s", name)
}

// Names lists the bound methods in alphabetical order.
func (r *Registry) Names() []string {
	return slices.Sorted(maps.Keys(r.entries))
}

// Dispatch runs the call of an entry; the hub's checks access and opens a
// transaction around it.
type Dispatch func(ctx context.Context, e *Entry, args []any, kw map[string]any) (any, error)

// Local returns a Caller of r's methods within this process. Calls go through
// dispatch, or straight to the method when it is nil.
func (r *Registry) Local(dispatch Dispatch) Caller {
	if dispatch == nil {
		dispatch = func(ctx context.Context, e *Entry, args []any, kw map[string]any) (any, error) {
			return e.Call(ctx, args, kw)
		}
	}
	return local{r, dispatch}
}

type local struct {
	registry *Registry
	dispatch Dispatch
}

func (l local) Call(ctx context.Context, method string, args []any) (any, error) {
	e, err := l.registry.Lookup(method)
	if err != nil {
		return nil, err
	}
	positional, kw := xmlrpc.SplitKeywords(args)
	result, err := l.dispatch(ctx, e, positional, kw)
	if err != nil {
		return nil, err
	}
	return Loaded(result)
}
