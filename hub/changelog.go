package hub

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func (h *Hub) getChangelogEntries(ctx context.Context, p api.GetChangelogEntriesParams) (none rpc.Rows[api.ChangelogEntry], err error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	header, err := h.changelogSource(ctx, p)
	if err != nil {
		return none, err
	}
	before, err := seconds(p.Before, "before")
	if err != nil {
		return none, err
	}
	after, err := seconds(p.After, "after")
	if err != nil {
		return none, err
	}
	var entries []api.ChangelogEntry
	if header != nil {
		for _, c := range header.Changelog() {
			if text(p.Author) != "" && c.Author != *p.Author || before != 0 && c.Time >= before || after != 0 && c.Time <= after {
				continue
			}
			entries = append(entries, api.ChangelogEntry{
				Date: time.Unix(c.Time, 0).UTC().Format(time.DateTime), DateTS: c.Time, Author: c.Author, Text: c.Text,
			})
		}
	}
	switch opts.Order { // the text would do, but old dates may have five digits to the year
	case "date":
		opts.Order = "date_ts"
	case "-date":
		opts.Order = "-date_ts"
	}
	return shaped(entries, opts, "date", "author", "text")
}

// changelogSource reads the header of the source RPM whose changelog is wanted;
// nil if there is none and strict is false.
func (h *Hub) changelogSource(ctx context.Context, p api.GetChangelogEntriesParams) (*rpmfile.Header, error) {
	switch {
	case xmlrpc.Truth(p.BuildID):
		return h.buildSource(ctx, p.BuildID, p.Strict)
	case p.TaskID != nil && *p.TaskID != 0:
		return h.taskRPM(*p.TaskID, p.Filepath, p.Strict, "SRPM %s doesn't exist")
	}
	return nil, koji.GenericErrorf("either buildID or taskID and filepath must be specified")
}

func (h *Hub) buildSource(ctx context.Context, ref any, strict bool) (*rpmfile.Header, error) {
	refuse := func(format string, args ...any) (*rpmfile.Header, error) {
		if !strict {
			return nil, nil
		}
		return nil, koji.GenericErrorf(format, args...)
	}
	b, err := h.build(ctx, ref, false)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return refuse("No such build: %s", pyStr(ref))
	}
	rpms, err := loaded(h.Store.ListRPMs(ctx, store.RPMFilter{BuildID: &b.ID, Arches: []string{"src"}}, query.Options{}))
	if err != nil {
		return nil, err
	}
	if len(rpms) == 0 {
		return refuse("Build %s doesn't have srpms", pyStr(ref))
	}
	name := h.rpmPath(b, &rpms[0].RPM)
	header, err := rpmfile.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return refuse("SRPM %s doesn't exist", name)
	}
	return header, err
}

// seconds reads a time as seconds since the epoch, 0 if there is none.
func seconds(v any, what string) (int64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case time.Time:
		return v.Unix(), nil
	case string:
		t, err := koji.ParseTime(v)
		if err != nil || t.IsZero() {
			return 0, nil // Koji: text that is no time does not filter
		}
		return t.Unix(), nil
	}
	return 0, koji.GenericErrorf("Invalid type for %s: <class '%s'>", what, xmlrpc.TypeName(v))
}
