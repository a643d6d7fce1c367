package tasks

import (
	"fmt"

	"github.com/toji-build/toji/internal/task"
)

// DistRepoOpts are the options of a repository for users of a distribution;
// their keys are wire contract. Paths are below work/.
type DistRepoOpts struct {
	Arch                   []string `rpc:"arch"`     // the tag's own if empty
	Comps                  *string  `rpc:"comps"`    // package groups
	Delta                  []int64  `rpc:"delta"`    // make delta RPMs against these dist repos
	Event                  *int64   `rpc:"event"`    // the tag as it was then
	Volume                 *string  `rpc:"volume"`   // where the files go
	Inherit                bool     `rpc:"inherit"`  // follow the tag's inheritance
	Latest                 bool     `rpc:"latest"`   // only the latest build of each package
	Multilib               *string  `rpc:"multilib"` // rules for 32-bit packages in 64-bit arches' repositories
	SplitDebuginfo         bool     `rpc:"split_debuginfo"`
	SkipMissingSignatures  bool     `rpc:"skip_missing_signatures"`  // leave RPMs without a wanted signature out
	AllowMissingSignatures bool     `rpc:"allow_missing_signatures"` // take them as they are
	Zck                    bool     `rpc:"zck"`
	ZckDictDir             *string  `rpc:"zck_dict_dir"` // on the builder
	WriteSignedRPMs        bool     `rpc:"write_signed_rpms"`
	SkipStat               *bool    `rpc:"createrepo_skip_stat,omitempty"` // trust the last repository's metadata
}

// DistRepoParams is the request of a distRepo task.
type DistRepoParams struct {
	Tag    Ref          `rpc:"tag"`
	RepoID int64        `rpc:"repo_id"`
	Keys   []string     `rpc:"keys"` // ids of signing keys, the preferred one first
	Opts   DistRepoOpts `rpc:"task_opts"`
}

// DistRepo makes a repository with the signed RPMs of a tag. Its result is a
// sentence about it.
var DistRepo = task.Define(task.Type[DistRepoParams, string]{
	Info:  task.Info{Method: "distRepo", Weight: 0.1, Queue: task.System, Title: "Make a repository for users of a distribution"},
	Label: func(p DistRepoParams) string { return p.Tag.String() },
})

// CreatedistrepoParams is the request of a createdistrepo task.
type CreatedistrepoParams struct {
	Tag    Ref          `rpc:"tag"`
	RepoID int64        `rpc:"repo_id"`
	Arch   string       `rpc:"arch"` // of the repository
	Keys   []string     `rpc:"keys"`
	Opts   DistRepoOpts `rpc:"opts"`
}

// Createdistrepo makes one arch of a dist repo: it leaves the metadata and a
// list of the RPMs in the task's folder.
var Createdistrepo = task.Define(task.Type[CreatedistrepoParams, task.Nothing]{
	Info:  task.Info{Method: "createdistrepo", Weight: 1.5, Queue: task.Host, Title: "Make one arch of a dist repo"},
	Label: func(p CreatedistrepoParams) string { return fmt.Sprintf("%d, %s", p.RepoID, p.Arch) },
})
