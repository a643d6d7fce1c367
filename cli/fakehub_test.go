package cli

import (
	"fmt"
	"hash/adler32"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// exchange is a call that a fake hub expects, and its answer.
type exchange struct {
	method string
	params []any
	result any
	fault  *reply
}

// reply is a fault.
type reply struct {
	code int
	text string
}

// fakeHub answers the calls that it expects, in their order. It does not insist
// on calls that change nothing: a client may get along without them.
type fakeHub struct {
	url, files string
	root       string // of what files serves
	calls      []exchange
	clock      time.Time
	watched    bool   // someone sits at the terminal
	answered   func() // called after each call

	mu       sync.Mutex
	next     int
	problems []string
	uploaded int64
}

func newFakeHub(t *testing.T, calls ...exchange) *fakeHub {
	h := &fakeHub{calls: calls, root: t.TempDir(), clock: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	mux := http.NewServeMux()
	mux.HandleFunc("/kojihub", h.serve)
	mux.HandleFunc("/kojihub/", h.serve)
	mux.Handle("/kojifiles/", http.StripPrefix("/kojifiles/", http.FileServer(http.Dir(h.root))))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url, h.files = server.URL+"/kojihub", server.URL+"/kojifiles"
	return h
}

// now is the time: a second later at each look.
func (h *fakeHub) now() time.Time {
	h.clock = h.clock.Add(time.Second)
	return h.clock
}

// check returns what was wrong with the calls.
func (h *fakeHub) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.calls[h.next:] {
		if writes(e.method) {
			h.problems = append(h.problems, fmt.Sprintf("missing: %s%v", e.method, e.params))
		}
	}
	if h.problems == nil {
		return nil
	}
	return fmt.Errorf("calls differ: %q", h.problems)
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.Header().Set("Koji-Version", "1.35.3")
	w.Header().Set("Content-Type", "text/xml")
	if r.URL.Query().Has("filename") {
		h.upload(w, r)
		return
	}
	method, params, err := xmlrpc.DecodeRequest(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v, f := h.answer(method, params)
	if h.answered != nil {
		h.answered()
	}
	if f != nil {
		err = xmlrpc.EncodeFault(w, f.code, f.text)
	} else {
		err = xmlrpc.EncodeResponse(w, v)
	}
	if err != nil {
		h.problems = append(h.problems, err.Error())
	}
}

func (h *fakeHub) upload(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.uploaded += int64(len(data))
	sum := fmt.Sprintf("%08x", adler32.Checksum(data))
	answer := map[string]any{"size": len(data), "fileverify": "adler32", "hexdigest": sum, "offset": 0}
	if err := xmlrpc.EncodeResponse(w, answer); err != nil {
		h.problems = append(h.problems, err.Error())
	}
}

func (h *fakeHub) answer(method string, params []any) (any, *reply) {
	switch method {
	case "login":
		return map[string]any{"session-id": 1, "session-key": "key", "header-auth": true}, nil
	case "logout":
		return nil, nil
	case "getAPIVersion":
		return 1, nil
	case "checkUpload":
		h.forward(method, params)
		return map[string]any{"size": h.uploaded}, nil
	}
	e := h.forward(method, params)
	if e == nil && (method == "toji.taskStatus" || method == "toji.hostStatus") {
		return nil, &reply{1000, "Invalid method: " + method}
	}
	if e == nil {
		h.problems = append(h.problems, fmt.Sprintf("unexpected: %s%v", method, params))
		return nil, &reply{1000, "unexpected call of " + method}
	}
	return e.result, e.fault
}

// forward finds the exchange that a call belongs to, past none that writes.
func (h *fakeHub) forward(method string, params []any) *exchange {
	want := meaning(method, params)
	for i := h.next; i < len(h.calls); i++ {
		e := &h.calls[i]
		if e.method == method && reflect.DeepEqual(meaning(e.method, e.params), want) {
			h.next = i + 1
			return e
		}
		if writes(e.method) {
			break
		}
	}
	return nil
}

// writes reports whether a method changes anything.
func writes(method string) bool {
	i := slices.IndexFunc(rpc.Declared(), func(d rpc.Declaration) bool { return d.Name == method })
	return i >= 0 && rpc.Declared()[i].Writes
}

// uploadPath is a directory for uploads, which has time and chance in it.
var uploadPath = regexp.MustCompile(`^cli-build/\d+(\.\d+)?\.[A-Za-z]{8}`)

// meaning returns parameters in a form that is equal for calls that mean the
// same: no matter whether they are given by position or name, or left out.
func meaning(method string, params []any) []any {
	args, kw := xmlrpc.SplitKeywords(params)
	if method == "multiCall" {
		var calls []any
		for _, call := range args[0].([]any) {
			m := call.(map[string]any)
			name := m["methodName"].(string)
			calls = append(calls, name, meaning(name, m["params"].([]any)))
		}
		return calls
	}
	i := slices.IndexFunc(rpc.Declared(), func(d rpc.Declaration) bool { return d.Name == method })
	if i >= 0 {
		p := reflect.New(rpc.Declared()[i].ParamsType)
		if rpc.Decode(args, kw, p.Interface()) == nil {
			if all, err := rpc.Encode(p.Elem().Interface()); err == nil {
				args, kw = all, nil
			}
		}
	}
	if method == "setInheritanceData" {
		numberPriorities(args[1])
	}
	list := make([]any, 0, len(args)+1)
	for _, arg := range args {
		list = append(list, plainly(arg))
	}
	if len(kw) > 0 {
		list = append(list, maps.Clone(kw))
	}
	return list
}

// numberPriorities makes numbers of the priorities that Koji's client sends as text.
func numberPriorities(links any) {
	for _, link := range links.([]any) {
		m := link.(map[string]any)
		if text, ok := m["priority"].(string); ok {
			m["priority"] = plainValue(text)
		}
	}
}

// plainly returns an argument without what is different each time. Python's
// options that are not set are None, where Go has false.
func plainly(arg any) any {
	switch arg := arg.(type) {
	case nil:
		return false
	case string:
		return uploadPath.ReplaceAllString(arg, "cli-build/X")
	}
	return arg
}
