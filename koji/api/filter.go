package api

import "github.com/toji-build/toji/internal/rpc"

// FilterParams are a method and its arguments. For the methods that filter,
// Opts has filterOpts besides: a map with order, offset, limit and noneGreatest.
type FilterParams struct {
	MethodName string         `rpc:"methodName"`
	Args       []any          `rpc:"*args"`
	Opts       map[string]any `rpc:"**kw"`
}

// The methods that call another method and make less of its answer.
var (
	Count = rpc.Define(rpc.Method[FilterParams, int]{
		Name: "count", Access: Anyone,
		Doc: "Call a method and return how many items its answer has: 0 for nil, 1 for anything but a list or struct.",
	})
	FilterResults = rpc.Define(rpc.Method[FilterParams, any]{
		Name: "filterResults", Access: Anyone,
		Doc: "Call a method that returns a list of structs and sort and cut the list as the keyword argument filterOpts says.",
	})
	CountAndFilterResults = rpc.Define(rpc.Method[FilterParams, []any]{
		Name: "countAndFilterResults", Access: Anyone,
		Doc: "Call a method as filterResults does and return how many items there were before, and the list.",
	})
)
