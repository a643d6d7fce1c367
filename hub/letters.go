package hub

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/toji-build/toji/internal/mail"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

//go:embed letters
var letterFiles embed.FS

var letters = template.Must(template.ParseFS(letterFiles, "letters/*.txt"))

// letter writes the mail of a task.
//
// Koji: users sort their mail by subject and by the X-Koji- fields.
func (h *Hub) letter(taskID int64, to []string, subject, name string, data any, header []mail.Field) (mail.Message, error) {
	return h.letterOf(fmt.Sprintf("task-%d", taskID), to, subject, name, data, header)
}

// letterOf writes a mail that id stands for.
func (h *Hub) letterOf(id string, to []string, subject, name string, data any, header []mail.Field) (mail.Message, error) {
	var body strings.Builder
	if err := letters.ExecuteTemplate(&body, name, data); err != nil {
		return mail.Message{}, fmt.Errorf("write mail of %s: %w", id, err)
	}
	to, _ = mail.Addresses(to)
	return mail.Message{
		ID: id + "@" + cmp.Or(h.Config.EmailDomain, "localhost"), Date: h.Now(),
		To: to, Subject: subject, Header: header, Body: body.String(),
	}, nil
}

// buildLetter is what the mail about a build tells.
type buildLetter struct {
	Build             tasks.NotifiedBuild
	Tag, Status       string
	CanceledBy        string // empty for any other end
	Started, Finished string
	Changelog         []api.ChangelogEntry // the latest
	Failure           string               // empty for any other end
	FailedOn          string               // hosts with their arches
	SRPMs             []string
	Groups            []letterTasks
	WebURL            string
}

// letterTasks are the tasks of a build that came to one state.
type letterTasks struct {
	State string
	Tasks []letterTask
}

type letterTask struct {
	ID                 int64
	Host, Arch, Label  string
	state              koji.TaskState
	Logs, RPMs, Others []string // URLs
	srpms              []string // names
}

// BuildMail writes the mail of a buildNotification task, whose owner is who
// canceled the build if it was.
func (h *Hub) BuildMail(ctx context.Context, taskID, ownerID int64, p tasks.BuildNotificationParams) (mail.Message, error) {
	l := buildLetter{Build: p.Build, Tag: "None", WebURL: strings.TrimRight(p.WebURL, "/"),
		Status:  strings.ToLower(p.Build.State.String()),
		Started: longTime(p.Build.CreationTS), Finished: longTime(p.Build.CompletionTS)}
	if p.Target != nil {
		l.Tag = p.Target.DestTag
	}
	if err := h.tellTasks(ctx, &l); err != nil {
		return mail.Message{}, err
	}
	var err error
	switch p.Build.State {
	case koji.BuildCanceled:
		l.CanceledBy, err = h.userName(ctx, ownerID)
	case koji.BuildFailed:
		l.Failure, err = h.failureText(ctx, p.Build.TaskID)
	case koji.BuildComplete:
		l.Changelog, err = h.latestChanges(ctx, p.Build.ID)
	}
	if err != nil {
		return mail.Message{}, err
	}
	subject := fmt.Sprintf("Package: %s Tag: %s Status: %s Built by: %s", p.Build.NVR(), l.Tag, l.Status, p.Build.Owner)
	return h.letter(taskID, p.Recipients, subject, "build.txt", l, []mail.Field{
		{Name: "X-Koji-Tag", Value: l.Tag}, {Name: "X-Koji-Package", Value: p.Build.Name},
		{Name: "X-Koji-Builder", Value: p.Build.Owner}, {Name: "X-Koji-Status", Value: l.Status},
		{Name: "X-Koji-Draft", Value: pyStr(p.Build.Draft)},
	})
}

// longTime is a time as people read it.
func longTime(ts float64) string {
	if ts == 0 {
		return "-"
	}
	return time.Unix(int64(ts), 0).UTC().Format(time.RFC1123)
}

func (h *Hub) userName(ctx context.Context, id int64) (string, error) {
	u, err := h.User(ctx, id, true)
	if err != nil {
		return "", err
	}
	return u.Name, nil
}

// failureText is the fault of a task.
func (h *Hub) failureText(ctx context.Context, id int64) (string, error) {
	fault, err := h.getTaskResult(ctx, api.TaskResultParams{TaskID: id})
	if err != nil && koji.FaultOf(err) == 0 {
		return "", err
	}
	if f, ok := fault.(api.TaskFault); ok {
		return strings.ReplaceAll(strings.TrimSpace(f.String), "\n", "\n  "), nil
	}
	return "Unknown", nil // Koji: a task that failed its build has not ended yet
}

// maxChanges is how many entries of the changelog a mail shows.
const maxChanges = 3

func (h *Hub) latestChanges(ctx context.Context, buildID int64) ([]api.ChangelogEntry, error) {
	rows, err := h.getChangelogEntries(ctx, api.GetChangelogEntriesParams{
		BuildID: buildID, QueryOpts: map[string]any{"limit": int64(maxChanges)},
	})
	return rows.List, err
}

// tellTasks tells of the build's task and of those below it: how they ended and
// what they left.
func (h *Hub) tellTasks(ctx context.Context, l *buildLetter) error {
	top, err := h.Store.Tasks(ctx, []int64{l.Build.TaskID}, true)
	if err != nil {
		return err
	}
	below, err := h.Store.TaskChildren(ctx, l.Build.TaskID, true, true)
	if err != nil {
		return err
	}
	infos, err := taskInfos(append(top, below...))
	if err != nil {
		return err
	}
	var list []letterTask
	var failedOn []string
	for _, info := range infos {
		t, err := h.tellTask(ctx, l, info)
		if err != nil {
			return err
		}
		list = append(list, t)
		l.SRPMs = append(l.SRPMs, t.srpms...)
		if t.state == koji.TaskFailed && t.Host != "" {
			failedOn = append(failedOn, t.Host+" ("+t.Arch+")")
		}
	}
	slices.Sort(l.SRPMs)
	l.SRPMs, l.FailedOn = slices.Compact(l.SRPMs), strings.Join(failedOn, ", ")
	for _, g := range []struct {
		state koji.TaskState
		name  string
	}{{koji.TaskFailed, "Failed"}, {koji.TaskCanceled, "Canceled"}, {koji.TaskClosed, "Closed"}} {
		of := slices.DeleteFunc(slices.Clone(list), func(t letterTask) bool { return t.state != g.state })
		if len(of) > 0 {
			l.Groups = append(l.Groups, letterTasks{g.name, of})
		}
	}
	return nil
}

// tellTask tells of one task.
func (h *Hub) tellTask(ctx context.Context, l *buildLetter, info api.TaskInfo) (letterTask, error) {
	request, _ := info.Request.([]any)
	t := letterTask{ID: info.ID, Arch: info.Arch, state: koji.TaskState(info.State), Label: task.Label(info.Method, info.Arch, request)}
	if info.HostID != nil {
		host, err := h.Host(ctx, *info.HostID, false)
		if err != nil {
			return t, err
		}
		if host != nil {
			t.Host = host.Name
		}
	}
	volumes, err := h.Store.Volumes(ctx)
	if err != nil {
		return t, err
	}
	files, err := h.taskFiles(info.ID, volumes)
	if err != nil {
		return t, err
	}
	for _, f := range files {
		switch at := h.fileURL(l.WebURL, f.path); {
		case strings.HasSuffix(f.name, ".src.rpm"):
			t.srpms = append(t.srpms, path.Base(f.name))
		case strings.HasSuffix(f.name, ".rpm"):
			t.RPMs = append(t.RPMs, at)
		case strings.HasSuffix(f.name, ".log"):
			t.Logs = append(t.Logs, at)
		default:
			t.Others = append(t.Others, at)
		}
	}
	return t, nil
}

// fileURL is where the hub serves a file of a task's. What a build took is a link
// to its place there, which lasts longer.
func (h *Hub) fileURL(webURL, file string) string {
	top, err := filepath.EvalSymlinks(h.Paths.TopDir)
	if err == nil {
		if real, err := filepath.EvalSymlinks(file); err == nil && strings.HasPrefix(real, top+"/") {
			file = h.Paths.TopDir + strings.TrimPrefix(real, top)
		}
	}
	u := url.URL{Path: "/kojifiles" + strings.TrimPrefix(file, h.Paths.TopDir)}
	return webURL + u.EscapedPath()
}

// tagLetter is what the mail about a build in a tag tells.
type tagLetter struct {
	Package, NVR, User, Status, Action string
	From, Into                         string // names of tags
	Summary                            string
	Failure                            string // empty if it went well
	WebURL                             string
	BuildID                            int64
}

// TagMail writes the mail of a tagNotification task.
func (h *Hub) TagMail(ctx context.Context, taskID int64, p tasks.TagNotificationParams) (mail.Message, error) {
	b, err := h.build(ctx, p.Build.Value(), true)
	if err != nil {
		return mail.Message{}, err
	}
	user, err := h.User(ctx, p.User.Value(), true)
	if err != nil {
		return mail.Message{}, err
	}
	l := tagLetter{Package: b.PackageName, NVR: b.NVR, User: user.Name, Status: "complete",
		WebURL: strings.TrimRight(h.Config.WebURL, "/"), BuildID: b.ID}
	header := []mail.Field{
		{Name: "X-Koji-Package", Value: l.Package}, {Name: "X-Koji-NVR", Value: l.NVR},
		{Name: "X-Koji-Draft", Value: pyStr(b.Draft)}, {Name: "X-Koji-User", Value: l.User},
	}
	where := ""
	for _, side := range []struct {
		ref          tasks.Ref
		name         *string
		action, word string
	}{{p.From, &l.From, "untagged", " from "}, {p.Tag, &l.Into, "tagged", " into "}} {
		if side.ref.IsZero() {
			continue
		}
		if *side.name, err = h.tagName(ctx, side.ref); err != nil {
			return mail.Message{}, err
		}
		l.Action = side.action
		where += side.word + *side.name
		header = append(header, mail.Field{Name: "X-Koji-Tag", Value: *side.name})
	}
	if l.From != "" && l.Into != "" {
		l.Action = "moved"
	}
	how := "successfully"
	if !p.IsSuccessful {
		how, l.Status = "unsuccessfully", "failed"
		l.Failure = cmp.Or(strings.ReplaceAll(strings.TrimSpace(p.FailureMsg), "\n", "\n  "), "Unknown")
	}
	l.Summary = fmt.Sprintf("%s %s %s%s by %s", l.NVR, how, l.Action, where, l.User)
	header = append(header, mail.Field{Name: "X-Koji-Status", Value: l.Status})
	return h.letter(taskID, p.Recipients, l.Summary, "tagging.txt", l, header)
}

// tagName is the name of a tag, which may be gone by now.
func (h *Hub) tagName(ctx context.Context, ref tasks.Ref) (string, error) {
	tag, err := h.Tag(ctx, ref.Value(), TagOptions{Deleted: true})
	if err != nil || tag == nil {
		return ref.String(), err
	}
	return tag.Name, nil
}
