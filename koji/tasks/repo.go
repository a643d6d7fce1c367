package tasks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/toji-build/toji/internal/task"
)

// NewRepoParams is the request of a newRepo task. Src, Debuginfo and
// SeparateSrc are the old form of Opts.
type NewRepoParams struct {
	Tag         Ref       `rpc:"tag"`
	Event       int64     `rpc:"event,optional=None"` // the repository shows the tag as it was then
	Src         *bool     `rpc:"src,optional=None"`
	Debuginfo   *bool     `rpc:"debuginfo,optional=None"`
	SeparateSrc *bool     `rpc:"separate_src,optional=None"`
	Opts        *RepoOpts `rpc:"opts,optional=None"`
}

// RepoOpts say what a repository holds beside its arch's RPMs.
type RepoOpts struct {
	Src         *bool `rpc:"src,omitempty"`          // SRPMs, in each arch's repository
	Debuginfo   *bool `rpc:"debuginfo,omitempty"`    // debuginfo RPMs
	SeparateSrc *bool `rpc:"separate_src,omitempty"` // SRPMs, in a repository of their own
	Maven       *bool `rpc:"maven,omitempty"`
}

// NewRepoResult names the repository and the event that it shows.
type NewRepoResult struct {
	RepoID  int64
	EventID int64
}

// MarshalXMLRPC returns [repo_id, event_id].
func (r NewRepoResult) MarshalXMLRPC() (any, error) { return []any{r.RepoID, r.EventID}, nil }

// NewRepo makes a repository of a tag.
var NewRepo = task.Define(task.Type[NewRepoParams, NewRepoResult]{
	Info:  task.Info{Method: "newRepo", Weight: 0.1, Queue: task.System, Title: "Make a repository of a tag"},
	Label: func(p NewRepoParams) string { return p.Tag.String() },
})

// CreaterepoParams is the request of a createrepo task.
type CreaterepoParams struct {
	RepoID  int64  `rpc:"repo_id"`
	Arch    string `rpc:"arch"`
	OldRepo Ref    `rpc:"oldrepo"` // a repository whose metadata may be reused
}

// CreaterepoResult names the metadata files below work/.
type CreaterepoResult struct {
	UploadPath string
	Files      []string
}

// MarshalXMLRPC returns [uploadpath, files].
func (r CreaterepoResult) MarshalXMLRPC() (any, error) {
	files := r.Files
	if files == nil {
		files = []string{}
	}
	return []any{r.UploadPath, files}, nil
}

// UnmarshalXMLRPC takes [uploadpath, files].
func (r *CreaterepoResult) UnmarshalXMLRPC(v any) error {
	l, _ := v.([]any)
	if len(l) != 2 {
		return errors.New("want [uploadpath, files]")
	}
	r.UploadPath, _ = l[0].(string)
	files, _ := l[1].([]any)
	for _, f := range files {
		s, ok := f.(string)
		if !ok {
			return fmt.Errorf("want a file name, got %T", f)
		}
		r.Files = append(r.Files, s)
	}
	return nil
}

// Createrepo makes the metadata of one arch of a repository.
var Createrepo = task.Define(task.Type[CreaterepoParams, CreaterepoResult]{
	Info:  task.Info{Method: "createrepo", Weight: 1.5, Queue: task.Host, Title: "Make one arch's repository metadata"},
	Label: func(p CreaterepoParams) string { return p.Arch },
})

// WaitrepoParams is the request of a waitrepo task.
type WaitrepoParams struct {
	Tag       Ref      `rpc:"tag"`
	NewerThan any      `rpc:"newer_than,optional=None"` // "now", or seconds since 1970
	NVRs      []string `rpc:"nvrs,optional=None"`       // the repository holds these builds
	MinEvent  any      `rpc:"min_event,optional=None"`  // an event id, or "last"
}

// RepoInfo is a repository as waitrepo and getRepo return it.
type RepoInfo struct {
	ID           int64   `rpc:"id"`
	TagID        int64   `rpc:"tag_id"`
	TagName      string  `rpc:"tag_name"`
	State        int     `rpc:"state"`
	CreateEvent  int64   `rpc:"create_event"`
	CreateTS     float64 `rpc:"create_ts"`
	CreationTime string  `rpc:"creation_time"`
	BeginEvent   *int64  `rpc:"begin_event"`
	EndEvent     *int64  `rpc:"end_event"`
	Dist         bool    `rpc:"dist"`
	TaskID       *int64  `rpc:"task_id"`
}

// Waitrepo waits for a repository of a tag that satisfies its conditions.
var Waitrepo = task.Define(task.Type[WaitrepoParams, RepoInfo]{
	Info:  task.Info{Method: "waitrepo", Weight: 0.2, Queue: task.System, Title: "Wait for a repository"},
	Label: func(p WaitrepoParams) string { return strings.Join(append([]string{p.Tag.String()}, p.NVRs...), ", ") },
})
