package rpc_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

type getTagParams struct {
	TagInfo any    `rpc:"tagInfo"`
	Strict  bool   `rpc:"strict,optional=False"`
	Event   *int64 `rpc:"event,optional=None"`
	Blocked bool   `rpc:"blocked,optional=False"`
}

type echoParams struct {
	Args []any `rpc:"*args"`
}

type makeTaskParams struct {
	Args []any          `rpc:"*args"`
	Opts map[string]any `rpc:"**opts"`
}

type mixedParams struct {
	Name     string           `rpc:"name"`
	Count    int              `rpc:"count"`
	Weight   float64          `rpc:"weight,optional=1.5"`
	Channel  string           `rpc:"channel,optional='maven'"`
	Arches   []string         `rpc:"arches,optional=()"`
	Limits   map[string]int64 `rpc:"limits,optional={}"`
	Priority *int             `rpc:"priority,optional=20"`
	Rest     map[string]any   `rpc:"**opts"`
}

var (
	anyone = &rpc.Access{}
	getTag = rpc.Define(rpc.Method[getTagParams, map[string]any]{
		Name: "getTag", Access: anyone, Doc: "Return a tag.", Func: "get_tag",
	})
	echo = rpc.Define(rpc.Method[echoParams, []any]{
		Name: "echo", Access: anyone, Doc: "Return the arguments.", Undocumented: true,
	})
	makeTask = rpc.Define(rpc.Method[makeTaskParams, int64]{Name: "makeTask", Access: anyone, Doc: "Make a task.", Writes: true})
	version  = rpc.Define(rpc.Method[struct{}, int]{Name: "getAPIVersion", Access: anyone, Doc: "Return 1."})
	mixed    = rpc.Define(rpc.Method[mixedParams, rpc.None]{Name: "host.mixed", Access: anyone, Doc: "Take anything."})
)

// registry binds functions that return their parameters, mostly.
func registry(t *testing.T, last *mixedParams) *rpc.Registry {
	t.Helper()
	r := &rpc.Registry{}
	rpc.Bind(r, getTag, func(_ context.Context, p getTagParams) (map[string]any, error) {
		if p.Strict {
			return nil, koji.GenericErrorf("No such tagInfo: %s", xmlrpc.Repr(p.TagInfo))
		}
		return map[string]any{"tag": p.TagInfo, "event": p.Event, "blocked": p.Blocked}, nil
	})
	rpc.Bind(r, echo, func(_ context.Context, p echoParams) ([]any, error) { return p.Args, nil })
	rpc.Bind(r, makeTask, func(_ context.Context, p makeTaskParams) (int64, error) {
		return int64(100*len(p.Args) + len(p.Opts)), nil
	})
	rpc.Bind(r, version, func(context.Context, struct{}) (int, error) { return 1, nil })
	rpc.Bind(r, mixed, func(_ context.Context, p mixedParams) (rpc.None, error) {
		if last != nil {
			*last = p
		}
		return rpc.None{}, nil
	})
	return r
}

type kw = map[string]any

func TestCallArguments(t *testing.T) {
	r := registry(t, nil)
	for _, c := range []struct {
		method string
		args   []any
		kw     kw
		fault  string // of a ParameterError, or none
	}{
		{"getTag", []any{"f40"}, nil, ""},
		{"getTag", []any{"f40", false, nil, true}, nil, ""},
		{"getTag", []any{int64(7)}, kw{"blocked": true}, ""},
		{"getTag", nil, kw{"tagInfo": "f40"}, ""},
		{"getTag", []any{nil}, nil, ""},
		{"getTag", []any{"f40", int64(0)}, nil, ""},
		{"getTag", []any{"f40", nil}, nil, ""},
		{"echo", nil, nil, ""},
		{"echo", []any{int64(1), "x"}, nil, ""},
		{"makeTask", []any{"sleep"}, kw{"priority": "5"}, ""},
		{"host.mixed", []any{"x", "5"}, nil, ""},
		{"host.mixed", []any{"x", int64(1), int64(2), nil, []any{"a"}, kw{"a": int64(1)}}, kw{"other": nil}, ""},

		{"getTag", nil, nil, "get_tag() missing 1 required positional argument: 'tagInfo'"},
		{"getTag", []any{"f40"}, kw{"nosuch": int64(1)}, "get_tag() got an unexpected keyword argument 'nosuch'"},
		{"getTag", []any{"f40"}, kw{"tagInfo": "f41"}, "get_tag() got multiple values for argument 'tagInfo'"},
		{"getTag", []any{1, 2, 3, 4, 5}, nil, "get_tag() takes from 1 to 4 positional arguments but 5 were given"},
		{"getTag", []any{"f40", "maybe"}, nil, "Invalid type for value 'maybe': <class 'str'>, expected type <class 'bool'>"},
		{"getTag", []any{"f40", false, []any{}}, nil, "Invalid type for value '[]': <class 'list'>, expected type <class 'int'>"},
		{"echo", nil, kw{"a": int64(1)}, "RootExports.echo() got an unexpected keyword argument 'a'"},
		{"getAPIVersion", []any{int64(1)}, nil, "RootExports.getAPIVersion() takes 1 positional argument but 2 were given"},
		{"host.mixed", nil, nil, "HostExports.mixed() missing 2 required positional arguments: 'name' and 'count'"},
		{"host.mixed", []any{nil, int64(1)}, nil, "Invalid type, expected type <class 'str'>"},
		{"host.mixed", []any{int64(5), int64(1)}, nil, "Invalid type for value '5': <class 'int'>, expected type <class 'str'>"},
		{"host.mixed", []any{"x", 1.5}, nil, "Invalid type for value '1.5': <class 'float'>, expected type <class 'int'>"},
		{"host.mixed", []any{"x", int64(1)}, kw{"arches": []any{"a", int64(1)}},
			"[1]: Invalid type for value '1': <class 'int'>, expected type <class 'str'>"},
		{"host.mixed", []any{"x", int64(1)}, kw{"arches": "a"}, "Invalid type for value 'a': <class 'str'>, expected type <class 'list'>"},
	} {
		t.Run(c.method+"/"+c.fault, func(t *testing.T) {
			e, err := r.Lookup(c.method)
			require.NoError(t, err)
			_, err = e.Call(t.Context(), c.args, c.kw)
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.fault)
			require.Equal(t, koji.FaultParameter, koji.FaultOf(err))
		})
	}
	_, err := r.Lookup("nosuch")
	require.EqualError(t, err, "Invalid method: nosuch")
	require.Equal(t, koji.FaultGeneric, koji.FaultOf(err))
	_, err = r.Lookup("")
	require.EqualError(t, err, "Invalid method: None")
}

func TestDefaults(t *testing.T) {
	twenty := 20
	want := mixedParams{Name: "x", Count: 5, Weight: 1.5, Channel: "maven", Arches: []string{}, Limits: map[string]int64{}, Priority: &twenty, Rest: map[string]any{}}
	var got mixedParams
	e, err := registry(t, &got).Lookup("host.mixed")
	require.NoError(t, err)
	_, err = e.Call(t.Context(), []any{"x", int64(5)}, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)

	p := rpc.Defaults[mixedParams]()
	p.Name, p.Count, p.Rest = "x", 5, map[string]any{}
	require.Equal(t, want, p)

	_, err = e.Call(t.Context(), []any{"x", int64(5), nil, nil, nil, nil, nil}, nil)
	require.NoError(t, err)
	require.Equal(t, mixedParams{Name: "x", Count: 5, Rest: map[string]any{}}, got, "None is not the default")
}

func TestEncode(t *testing.T) {
	event := int64(5)
	for _, c := range []struct {
		name        string
		params      any
		full, short []any
	}{
		{"defaults", getTagParams{TagInfo: "f40"}, []any{"f40", false, nil, false}, []any{"f40"}},
		{"set in the middle", &getTagParams{TagInfo: 7, Event: &event}, []any{int64(7), false, int64(5), false}, []any{int64(7), false, int64(5)}},
		{"nothing", struct{}{}, []any{}, []any{}},
		{"rest", makeTaskParams{[]any{"sleep", []int{1}}, map[string]any{"priority": 5}},
			[]any{"sleep", []any{int64(1)}, kw{"priority": int64(5), "__starstar": true}},
			[]any{"sleep", []any{int64(1)}, kw{"priority": int64(5), "__starstar": true}}},
		{"nil pointer is the default", mixedParams{Weight: 1.5, Channel: "maven"},
			[]any{"", int64(0), 1.5, "maven", []any{}, kw{}, int64(20)}, []any{"", int64(0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			full, err := rpc.Encode(c.params)
			require.NoError(t, err)
			require.Equal(t, c.full, full)
			short, err := rpc.EncodeShort(c.params)
			require.NoError(t, err)
			require.Equal(t, c.short, short)
		})
	}
	_, err := rpc.Encode(getTagParams{TagInfo: make(chan int)})
	require.ErrorContains(t, err, "tagInfo")
}

func TestDecode(t *testing.T) {
	var p getTagParams
	require.NoError(t, rpc.Decode([]any{"f40"}, kw{"strict": true}, &p))
	require.Equal(t, getTagParams{TagInfo: "f40", Strict: true}, p)
	require.EqualError(t, rpc.Decode(nil, nil, &p), "handler() missing 1 required positional argument: 'tagInfo'")
	require.Error(t, rpc.Decode(nil, nil, p))
}

func TestInvokeLocally(t *testing.T) {
	var last mixedParams
	r := registry(t, &last)
	var seen []string
	local := r.Local(func(ctx context.Context, e *rpc.Entry, args []any, kw map[string]any) (any, error) {
		seen = append(seen, e.Name)
		return e.Call(ctx, args, kw)
	})
	ctx := t.Context()

	tag, err := rpc.Invoke(ctx, local, getTag, getTagParams{TagInfo: 7})
	require.NoError(t, err)
	require.Equal(t, int64(7), tag["tag"], "arguments are as they would be from the wire")

	list, err := rpc.Invoke(ctx, local, echo, echoParams{[]any{1, nil, []string{"a"}}})
	require.NoError(t, err)
	require.Equal(t, []any{int64(1), nil, []any{"a"}}, list)

	id, err := rpc.Invoke(ctx, local, makeTask, makeTaskParams{Args: []any{"sleep"}, Opts: kw{"priority": 5}})
	require.NoError(t, err)
	require.Equal(t, int64(101), id)

	_, err = rpc.Invoke(ctx, r.Local(nil), mixed, mixedParams{Name: "x"})
	require.NoError(t, err)
	require.Equal(t, "x", last.Name)

	_, err = rpc.Invoke(ctx, local, getTag, getTagParams{TagInfo: "a'b", Strict: true})
	require.EqualError(t, err, `No such tagInfo: "a'b"`)
	require.Equal(t, []string{"getTag", "echo", "makeTask", "getTag"}, seen)

	_, err = local.Call(ctx, "nosuch", nil)
	require.EqualError(t, err, "Invalid method: nosuch")
}

// wire is a Caller that lets the answer of another one pass through the codec.
type wire struct{ rpc.Caller }

func (w wire) Call(ctx context.Context, method string, args []any) (any, error) {
	if method == "multiCall" {
		return w.multiCall(ctx, args)
	}
	v, err := w.Caller.Call(ctx, method, args)
	if err != nil {
		return nil, err
	}
	text, err := xmlrpc.MarshalResult(v)
	if err != nil {
		return nil, err
	}
	return xmlrpc.UnmarshalResult(text)
}

func (w wire) multiCall(ctx context.Context, args []any) (any, error) {
	answers := []any{}
	for _, call := range args[0].([]any) {
		call := call.(map[string]any)
		v, err := w.Call(ctx, call["methodName"].(string), call["params"].([]any))
		if fault, ok := errors.AsType[*koji.Error](err); ok {
			answers = append(answers, kw{"faultCode": int64(fault.Fault), "faultString": fault.Msg, "traceback": []any{}})
			continue
		}
		answers = append(answers, []any{v})
	}
	return answers, nil
}

func TestInvokeOverTheWire(t *testing.T) {
	caller := wire{registry(t, nil).Local(nil)}
	n, err := rpc.Invoke(t.Context(), caller, version, struct{}{})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = rpc.Invoke(t.Context(), caller, mixed, mixedParams{})
	require.NoError(t, err)
	_, err = rpc.Invoke(t.Context(), caller, rpc.Method[struct{}, string]{Name: "getAPIVersion"}, struct{}{})
	require.ErrorContains(t, err, "result of getAPIVersion: Invalid type for value '1'")
}

func TestBatch(t *testing.T) {
	caller := wire{registry(t, nil).Local(nil)}
	var b rpc.Batch
	require.NoError(t, b.Do(t.Context(), caller), "nothing to do")

	tag := rpc.Add(&b, getTag, getTagParams{TagInfo: "f40"})
	missing := rpc.Add(&b, getTag, getTagParams{TagInfo: "f39", Strict: true})
	number := rpc.Add(&b, version, struct{}{})
	require.NoError(t, b.Do(t.Context(), caller))
	require.NoError(t, tag.Err)
	require.Equal(t, "f40", tag.Value["tag"])
	require.EqualError(t, missing.Err, "No such tagInfo: 'f39'")
	require.Equal(t, koji.FaultGeneric, koji.FaultOf(missing.Err))
	require.Equal(t, 1, number.Value)
}

func TestOutcomes(t *testing.T) {
	for want, answer := range map[string]any{
		"Invalid type":                "x",
		"of 1 calls has 0 results":    []any{},
		"result 0 has 2 values":       []any{[]any{int64(1), int64(2)}},
		"result 0 is a string":        []any{"x"},
		"fault 0: faultCode: Invalid": []any{kw{"faultCode": "x"}},
	} {
		_, err := rpc.Outcomes(answer, 1)
		require.ErrorContains(t, err, want)
	}
}

func TestIntrospection(t *testing.T) {
	r := registry(t, nil)
	require.Equal(t, []string{"echo", "getAPIVersion", "getTag", "host.mixed", "makeTask"}, r.Names())
	require.Equal(t, "echo(*args)", r.MethodHelp("echo"))
	require.Equal(t, "getTag(tagInfo, strict=False, event=None, blocked=False)\ndescription: Return a tag.", r.MethodHelp("getTag"))
	require.Empty(t, r.MethodHelp("nosuch"))
	require.Equal(t, "signatures not supported", r.MethodSignature("getTag"))

	doc := "Return a tag."
	list := r.ListAPI()
	require.Len(t, list, 5)
	require.Equal(t, rpc.APIEntry{
		Name:    "echo",
		ArgSpec: []any{[]any{}, "args", nil, nil, []any{}, nil, kw{}},
		ArgDesc: "(*args)",
		Args:    []any{"args"},
	}, list[0])
	require.Equal(t, rpc.APIEntry{
		Name:    "getTag",
		Doc:     &doc,
		ArgSpec: []any{[]any{"tagInfo", "strict", "event", "blocked"}, nil, nil, []any{false, nil, false}, []any{}, nil, kw{}},
		ArgDesc: "(tagInfo, strict=False, event=None, blocked=False)",
		Args:    []any{"tagInfo", []any{"strict", false}, []any{"event", nil}, []any{"blocked", false}},
	}, list[2])
	require.Equal(t, "(name, count, weight=1.5, channel='maven', arches=(), limits={}, priority=20, **opts)", list[3].ArgDesc)
	require.Equal(t, "(*args, **opts)", list[4].ArgDesc)
	require.Equal(t, []any{[]any{}, "args", "opts", nil, []any{}, nil, kw{}}, list[4].ArgSpec)
	_, err := xmlrpc.MarshalResult(list)
	require.NoError(t, err)
}

func TestMalformedDeclarations(t *testing.T) {
	define := func(name string, f func()) {
		require.Panics(t, f, name)
	}
	define("no documentation", func() { rpc.Define(rpc.Method[struct{}, int]{Name: "x", Access: anyone}) })
	define("no access", func() { rpc.Define(rpc.Method[struct{}, int]{Name: "x", Doc: "x"}) })
	define("not a struct", func() { rpc.Define(rpc.Method[int, int]{Name: "x", Doc: "x", Access: anyone}) })
	define("no tag", func() {
		rpc.Define(rpc.Method[struct{ A int }, int]{Name: "x", Doc: "x", Access: anyone})
	})
	define("bad option", func() {
		rpc.Define(rpc.Method[struct {
			A int `rpc:"a,omitempty"`
		}, int]{Name: "x", Doc: "x", Access: anyone})
	})
	define("bad literal", func() {
		rpc.Define(rpc.Method[struct {
			A int `rpc:"a,optional=x"`
		}, int]{Name: "x", Doc: "x", Access: anyone})
	})
	define("default of another type", func() {
		rpc.Define(rpc.Method[struct {
			A int `rpc:"a,optional='x'"`
		}, int]{Name: "x", Doc: "x", Access: anyone})
	})
	define("required after optional", func() {
		rpc.Define(rpc.Method[struct {
			A int `rpc:"a,optional=1"`
			B int `rpc:"b"`
		}, int]{Name: "x", Doc: "x", Access: anyone})
	})
	define("doubled", func() {
		rpc.Define(rpc.Method[struct {
			A int `rpc:"a"`
			B int `rpc:"a"`
		}, int]{Name: "x", Doc: "x", Access: anyone})
	})
	define("rest of another type", func() {
		rpc.Define(rpc.Method[struct {
			A []string `rpc:"*a"`
		}, int]{Name: "x", Doc: "x", Access: anyone})
	})
	define("bound twice", func() {
		r := registry(t, nil)
		rpc.Bind(r, version, func(context.Context, struct{}) (int, error) { return 2, nil })
	})
}
