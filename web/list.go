package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
)

// pageSize is how many rows a list shows at once.
const pageSize = 50

// listing is which part of a list is shown, and in what order: the query
// parameters page and order.
type listing struct {
	Order string // a key, "-" before it for descending
	page  int    // from 1
	more  bool   // there are rows behind those shown
	query url.Values
}

// newListing reads what part of a list the request wants. The first of the keys
// is the order unless another is asked for.
func newListing(r *http.Request, keys ...string) (*listing, error) {
	l := &listing{Order: keys[0], page: 1, query: r.URL.Query()}
	if text := l.query.Get("page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1e6 {
			return nil, badRequest("Pages are counted from 1.", "There is no page %q.", text)
		}
		l.page = n
	}
	if order := l.query.Get("order"); order != "" {
		known := func(key string) bool { return strings.TrimPrefix(key, "-") == strings.TrimPrefix(order, "-") }
		if !slices.ContainsFunc(keys, known) {
			return nil, badRequest("The headings of the columns sort the list.", "The list cannot be sorted by %q.", order)
		}
		l.Order = order
	}
	return l, nil
}

// options are the queryOpts for the rows, and one more to see whether there is.
func (l *listing) options(unique string) map[string]any {
	order := l.Order
	if strings.TrimPrefix(order, "-") != unique {
		order += ",-" + unique // of equal rows, always the same come first
	}
	return map[string]any{"order": order, "limit": int64(pageSize + 1), "offset": int64((l.page - 1) * pageSize)}
}

// cut takes off the row that is one too many.
func cut[T any](l *listing, rows []T) []T {
	l.more = len(rows) > pageSize
	return rows[:min(len(rows), pageSize)]
}

// with returns the list's address with one parameter changed.
func (l *listing) with(name, value string) string {
	q := url.Values{}
	for k, v := range l.query {
		if k != "page" && v[0] != "" {
			q[k] = v
		}
	}
	q.Set(name, value)
	return "?" + q.Encode()
}

// Prev is the address of the rows before, "" if there are none.
func (l *listing) Prev() string {
	if l.page == 1 {
		return ""
	}
	return l.with("page", strconv.Itoa(l.page-1))
}

// Next is the address of the rows behind, "" if there are none.
func (l *listing) Next() string {
	if !l.more {
		return ""
	}
	return l.with("page", strconv.Itoa(l.page+1))
}

// Page is the number of the page.
func (l *listing) Page() int { return l.page }

// column is a heading that sorts.
type column struct {
	Text, URL string
	Sorted    string // for aria-sort: ascending, descending or none
}

// Column returns the heading of a column; key is its order, with "-" if the
// largest should come first when it is chosen.
func (l *listing) Column(text, key string) column {
	name := strings.TrimPrefix(key, "-")
	c := column{Text: text, URL: l.with("order", key), Sorted: "none"}
	switch l.Order {
	case name:
		c.Sorted, c.URL = "ascending", l.with("order", "-"+name)
	case "-" + name:
		c.Sorted, c.URL = "descending", l.with("order", name)
	}
	return c
}

// Get returns a query parameter, for the fields of the filter.
func (l *listing) Get(name string) string { return strings.TrimSpace(l.query.Get(name)) }

// choice is an entry of a filter's list.
type choice struct {
	Value, Text string
	Selected    bool
}

// choices are the entries of a filter, the first for any value.
func choices(selected string, values ...string) []choice {
	list := []choice{{"", "any", selected == ""}}
	for _, v := range values {
		list = append(list, choice{v, v, v == selected})
	}
	return list
}

// idOrName is what a user typed, as the hub's methods take it.
func idOrName(text string) any {
	if id, err := strconv.ParseInt(text, 10, 32); err == nil {
		return id
	}
	return text
}

// firstError returns the first fault among those of a batch.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// do makes the calls of b.
func (s *Site) do(r *http.Request, b *rpc.Batch) error { return b.Do(r.Context(), s.opts.Caller) }
