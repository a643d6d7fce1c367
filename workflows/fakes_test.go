package workflows

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"sync"

	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// record is the log of what workflows asked for, in order.
type record struct {
	mu   sync.Mutex
	list []string
}

func (r *record) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, fmt.Sprintf(format, args...))
}

// database stands for the database side: it has the methods of
// system.Activities that workflows call.
type database struct {
	*record
	nextTask int64
	methods  map[int64]string
	hosts    []string // given out in turn; the last one stays
	opened   map[int64]int
	// What the tests change.
	plan     system.BuildPlan
	arches   []system.ArchBuild
	repo     *tasks.RepoInfo
	chained  map[string]hub.ChainedBuild // builds of a chain that are done
	finished map[int64]bool              // tasks that cannot open
	kojid    map[string]task.End         // how tasks of a type end on a host that runs Koji's own builder
	freed    int                         // how often CloseTask finds the task freed
	troubles int                         // hosts that failed a task before it opened
	mail     func(system.MailRequest) (system.MailReply, error)
	held     int // the attempt that has the task in spite of the signal that it was freed
}

func newDatabase(r *record) *database {
	return &database{
		record: r, nextTask: 1, methods: map[int64]string{}, hosts: []string{"h1"}, opened: map[int64]int{}, finished: map[int64]bool{},
		plan:   system.BuildPlan{Target: "f40", BuildTag: 1, DestTag: 2, DestName: "f40", RebuildSRPM: true, SRPMArch: "noarch"},
		arches: []system.ArchBuild{{Arch: "x86_64", TaskArch: "x86_64"}, {Arch: "aarch64", TaskArch: "aarch64"}},
		repo:   &tasks.RepoInfo{ID: 7, TagName: "f40-build"},
	}
}

func (d *database) OpenTask(_ context.Context, req system.OpenRequest) (system.OpenReply, error) {
	d.mu.Lock()
	if d.finished[req.TaskID] {
		d.mu.Unlock()
		return system.OpenReply{Finished: true}, nil
	}
	if end, ok := d.kojid[d.methods[req.TaskID]]; ok {
		d.opened[req.TaskID]++
		looks := d.opened[req.TaskID]
		d.mu.Unlock()
		if looks == 1 {
			return system.OpenReply{}, nil
		}
		return system.OpenReply{Finished: true, End: &end}, nil
	}
	host := task.Assigned{}
	if req.NeedsHost {
		host = task.Assigned{HostID: 1, Host: d.hosts[min(d.opened[req.TaskID], len(d.hosts)-1)]}
	}
	d.opened[req.TaskID]++
	d.mu.Unlock()
	d.add("open %d attempt %d on %q", req.TaskID, req.Attempt, host.Host)
	return system.OpenReply{Opened: true, Host: host, Troubles: d.troubles}, nil
}

// HoldsTask says that whoever sent the signal has freed the task, unless it was
// late.
func (d *database) HoldsTask(_ context.Context, req system.HoldsRequest) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return req.Attempt == d.held, nil
}

func (d *database) CloseTask(_ context.Context, req system.CloseRequest) (system.EndReply, error) {
	d.add("close %d", req.TaskID)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.freed > 0 {
		d.freed--
		return system.EndReply{Freed: true}, nil
	}
	return system.EndReply{}, nil
}

func (d *database) FailTask(_ context.Context, req system.FailRequest) (system.EndReply, error) {
	d.add("fail %d with %d %s: %s", req.TaskID, req.Failure.Fault, req.Failure.Kind, req.Failure.Msg)
	return system.EndReply{}, nil
}

func (d *database) CancelTask(_ context.Context, req system.CancelRequest) error {
	d.add("cancel %d", req.TaskID)
	return nil
}

func (d *database) ReleaseTask(_ context.Context, req system.ReleaseRequest) error {
	d.add("release %d refused %v: %s", req.TaskID, req.Refused, req.Reason)
	return nil
}

func (d *database) SetWaiting(_ context.Context, req system.WaitingRequest) error {
	d.add("wait %d: %s", req.TaskID, req.Reason)
	return nil
}

func (d *database) Subtask(_ context.Context, req system.SubtaskRequest) (task.Task, error) {
	d.mu.Lock()
	d.nextTask++
	id := d.nextTask
	d.methods[id] = req.Method
	d.mu.Unlock()
	d.add("subtask %s %s", req.Method, req.Key)
	return task.Task{ID: id, Method: req.Method, Parent: req.Parent, Label: req.Label, Arch: req.Arch}, nil
}

func (d *database) PlanBuild(context.Context, system.PlanRequest) (system.BuildPlan, error) {
	return d.plan, nil
}

func (d *database) FindRepo(_ context.Context, req system.FindRepoRequest) (system.FindRepoReply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.repo == nil {
		return system.FindRepoReply{Want: req.Want, Reason: "no repository yet"}, nil
	}
	return system.FindRepoReply{Repo: d.repo, Want: req.Want}, nil
}

func (d *database) GetRepo(_ context.Context, id int64) (tasks.RepoInfo, error) {
	return tasks.RepoInfo{ID: id, TagID: 1, TagName: "f40-build"}, nil
}

func (d *database) setRepo(r *tasks.RepoInfo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.repo = r
}

func (d *database) InitBuild(_ context.Context, req system.InitBuildRequest) (system.InitBuildReply, error) {
	d.add("init build of %s", path.Base(req.SRPM))
	return system.InitBuildReply{BuildID: 9, NVR: "hello-1-1", Arches: d.arches}, nil
}

func (d *database) CompleteBuild(_ context.Context, req system.CompleteBuildRequest) error {
	d.add("import %s with %d rpms", path.Base(req.SRPM), len(req.RPMs))
	return nil
}

func (d *database) TagBuild(_ context.Context, req system.TagBuildRequest) error {
	d.add("tag %d with %s", req.Params.BuildID, req.Params.Tag)
	return nil
}

func (d *database) InitRepo(_ context.Context, req system.InitRepoRequest) (system.InitRepoReply, error) {
	d.add("init repo of %s", req.Params.Tag)
	return system.InitRepoReply{RepoID: 7, EventID: 3, Tag: "f40-build", Arches: []string{"x86_64", "aarch64"}}, nil
}

func (d *database) FinishRepo(_ context.Context, req system.FinishRepoRequest) error {
	d.add("finish repo %d with %d arches", req.RepoID, len(req.Arches))
	return nil
}

func (d *database) AbandonRepo(_ context.Context, id int64) error {
	d.add("abandon repo %d", id)
	return nil
}

func (d *database) FollowTasks(_ context.Context, req system.FollowRequest) (system.FollowReply, error) {
	return system.FollowReply{Done: true}, nil
}

func (d *database) SendMail(_ context.Context, req system.MailRequest) (system.MailReply, error) {
	d.add("mail to %v", req.To)
	return d.mail(req)
}

// host stands for a build host: it has the methods of builder.Activities.
type host struct {
	*record
	build func(attempt int, req builder.BuildArchRequest) error
	stop  func()
	tries map[string]int
	dir   string // instead of the tasks' own folders
}

// folder is where a task's results are.
func (h *host) folder(t task.Task) string { return cmp.Or(h.dir, koji.PathInfo{}.TaskRel(t.ID)) }

func newHost(r *record) *host {
	return &host{record: r, tries: map[string]int{}, build: func(int, builder.BuildArchRequest) error { return nil }}
}

func (h *host) BuildArch(_ context.Context, req builder.BuildArchRequest) (tasks.BuildArchResult, error) {
	h.mu.Lock()
	h.tries[req.Params.Arch]++
	try := h.tries[req.Params.Arch]
	h.mu.Unlock()
	h.add("build %s for %s", req.Params.Pkg, req.Params.Arch)
	if err := h.build(try, req); err != nil {
		return tasks.BuildArchResult{}, err
	}
	result := tasks.BuildArchResult{RPMs: []string{h.folder(req.Task) + "/hello." + req.Params.Arch + ".rpm"}, BuildrootID: 5}
	if req.Params.KeepSRPM {
		result.SRPMs = []string{h.folder(req.Task) + "/hello.src.rpm"}
	}
	return result, nil
}

func (h *host) RebuildSRPM(_ context.Context, req builder.RebuildSRPMRequest) (tasks.SRPMResult, error) {
	h.add("rebuild %s", req.Params.SRPM)
	return tasks.SRPMResult{SRPM: h.folder(req.Task) + "/hello.src.rpm"}, nil
}

func (h *host) Runroot(_ context.Context, req builder.RunrootRequest) (string, error) {
	h.add("run %v in repo %d", req.Params.Command, req.RepoID)
	return "id completed successfully", nil
}

func (h *host) CreateRepo(_ context.Context, req builder.CreateRepoRequest) (tasks.CreaterepoResult, error) {
	h.add("createrepo %d %s", req.Params.RepoID, req.Params.Arch)
	if err := h.build(1, builder.BuildArchRequest{Params: tasks.BuildArchParams{Arch: req.Params.Arch}}); err != nil {
		return tasks.CreaterepoResult{}, err
	}
	return tasks.CreaterepoResult{UploadPath: h.folder(req.Task), Files: []string{"repomd.xml"}}, nil
}

func (h *host) Sleep(_ context.Context, req builder.SleepRequest) error {
	h.add("sleep %v", req.Seconds)
	return nil
}

func (h *host) Stop(_ context.Context, req builder.StopRequest) error {
	h.add("stop %d", req.TaskID)
	if h.stop != nil {
		h.stop()
	}
	return nil
}

// packageFailure is what a builder answers when rpmbuild fails.
func packageFailure(msg string) error {
	f := task.FailureOf(koji.BuildErrorf("%s", msg))
	return temporal.NewNonRetryableApplicationError(f.Msg, "BuildError", nil, f)
}

// hostTrouble is what a builder answers when it is in trouble itself.
func hostTrouble(kind, msg string) error {
	return temporal.NewNonRetryableApplicationError(msg, kind, nil,
		task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure, Msg: msg})
}

// failing makes n parts of a task fail together: once all have begun, because
// the test suite of the SDK panics when a child is cancelled that has not.
func failing(n int, message string) func(int, builder.BuildArchRequest) error {
	var begun sync.WaitGroup
	begun.Add(n)
	return func(int, builder.BuildArchRequest) error {
		begun.Done()
		begun.Wait()
		return packageFailure(message)
	}
}
