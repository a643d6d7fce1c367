package browser

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// patience is how long a page may take. It is long because machines are slow;
// a page that works does not wait for it.
const patience = 30 * time.Second

// tab is a page of a browser, with what went wrong in it.
type tab struct {
	context.Context
	t  *testing.T
	mu sync.Mutex
	// trouble are errors on the console, requests that failed and exceptions.
	trouble []string
	allowed int64 // a status that the page itself may have
}

// newBrowser starts a browser, which all tabs of a test share.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path := cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium")
	_, err := os.Stat(path)
	testenv.Need(t, err == nil, "chromium")
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1360, 950))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx)) // starts it
	return ctx
}

func newTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	p := &tab{Context: ctx, t: t, allowed: 200}
	require.NoError(t, chromedp.Listen(ctx, p.observe))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	return p
}

func (p *tab) observe(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.note("exception: %s", e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			p.note("console: %s", e.Type)
		}
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // those are seen below, with their status
			p.note("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventResponseReceived:
		if s := e.Response.Status; s >= 400 && s != p.allowed {
			p.note("%d for %s", s, e.Response.URL)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled {
			p.note("failed: %s (%s)", e.Type, e.ErrorText)
		}
	}
}

func (p *tab) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = append(p.trouble, fmt.Sprintf(format, args...))
}

// open loads a page.
func (p *tab) open(url string) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p, chromedp.Navigate(url)))
}

// get runs an action and returns its value.
func get[T any](p *tab, action chromedp.Action[T]) T {
	p.t.Helper()
	v, err := chromedp.Run(p, action)
	require.NoError(p.t, err)
	return v
}

// untroubled asserts that nothing went wrong in the tab so far.
func (p *tab) untroubled() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(p.t, p.trouble)
}

// shows waits until the element has the text. It asks from outside, as the page
// lets no text become a script, and may be loaded again meanwhile.
func (p *tab) shows(selector, text string) {
	p.t.Helper()
	script := fmt.Sprintf(`document.querySelector(%q)?.textContent.includes(%q) ?? false`, selector, text)
	require.Eventually(p.t, func() bool {
		shown, err := chromedp.Run(p, chromedp.Evaluate[bool](script))
		return err == nil && shown
	}, patience, 30*time.Millisecond, "%s does not show %q", selector, text)
}

// screenshot writes a picture of the whole page to the directory SCREENSHOTS,
// if that is set, with light or dark colours.
func (p *tab) screenshot(name, colours string) {
	p.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	_, err := chromedp.Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}},
	})
	require.NoError(p.t, err)
	picture := get(p, chromedp.FullScreenshot(100))
	require.NoError(p.t, os.WriteFile(filepath.Join(dir, name+"-"+colours+".png"), picture, 0o644))
}

// Every page loads all that it asks for, runs its script without an error and
// says what it is about.
func TestPages(t *testing.T) {
	browser := newBrowser(t)
	w := newWorld(t)
	for _, c := range []struct {
		name, path, heading, text string
		status                    int64
	}{
		{"overview", "/", "Overview", "all hosts for aarch64", 200},
		{"tasks", "/tasks", "Tasks", "build (f43, hello-2.12-1.fc43.src.rpm)", 200},
		{"tasks-flat", "/tasks?view=flat&state=active&owner=oleg&order=id", "Tasks", "buildArch (bash-5.3-1.fc43.src.rpm, aarch64)", 200},
		{"tasks-none", "/tasks?state=canceled&owner=mikaela", "Tasks", "No task fits these filters.", 200},
		{"task-failed", "/tasks/103", "buildArch (hello-2.12-1.fc43.src.rpm, aarch64)", "implicit declaration of function", 200},
		{"task-closed", "/tasks/102", "buildArch (hello-2.12-1.fc43.src.rpm, x86_64)", "hello-2.12-1.fc43.x86_64.rpm", 200},
		{"task-running", "/tasks/202", "buildArch (bash-5.3-1.fc43.src.rpm, x86_64)", "Building target platforms", 200},
		{"task-waiting", "/tasks/203", "buildArch (bash-5.3-1.fc43.src.rpm, aarch64)", "quarantined or disabled", 200},
		{"task-attack", "/tasks/301", "build (" + attack, attack, 200},
		{"builds", "/builds", "Builds", "libstdc++-compat-1.0~rc1^git-0.1.fc43", 200},
		{"build", "/builds/1", "hello-2.12-1.fc43", "hello-debuginfo-2.12-1.fc43.x86_64.rpm", 200},
		{"build-by-name", "/builds/libstdc++-compat-1.0~rc1%5Egit-0.1.fc43", "libstdc++-compat", "f43", 200},
		{"hosts", "/hosts", "Hosts", "no space left on device", 200},
		{"host", "/hosts/builder-01.example.org", "builder-01.example.org", "Rack 3, the large one", 200},
		{"host-quarantined", "/hosts/arm-01.example.org", "arm-01.example.org", "until toji enable-host", 200},
		{"tags", "/tags", "Tags", "epel/10", 200},
		{"tag", "/tags/f43-build?inherit=1", "f43-build", "mock.new_chroot", 200},
		{"tag-slash", "/tags/epel/10", "epel/10", "There is no build in it.", 200},
		{"targets", "/targets", "Targets", "f43-candidate", 200},
		{"koji-link", "/taskinfo?taskID=103", "buildArch", "aarch64", 200},
		{"missing", "/tasks/999", "Not Found", "There is no task 999.", 404},
		{"bad", "/tasks/x", "Bad Request", "is not the id of a task", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTab(t, browser)
			p.allowed = c.status
			p.open(w.URL + c.path)
			require.Contains(t, get(p, chromedp.TextContent("h1")), c.heading)
			require.Contains(t, get(p, chromedp.TextContent("main")), c.text)
			require.Regexp(t, " · Toji$", get(p, chromedp.Title()))
			p.screenshot(c.name, "light")
			p.screenshot(c.name, "dark")
			p.untroubled()
		})
	}
}

// A log grows on the page while it is written, the state changes with the
// task's, and what was written last is there at the end.
func TestFollowing(t *testing.T) {
	browser := newBrowser(t)
	w := newWorld(t)
	p := newTab(t, browser)
	p.open(fmt.Sprintf("%s/tasks/%d", w.URL, runningTask))
	p.shows("#live", "Live")
	p.shows("#text", "Building target platforms")
	for i := range 3 {
		line := fmt.Sprintf("+ step %d of %%build <b>&amp;\n", i)
		w.write(w.taskFile(runningTask, "build.log"), line)
		p.shows("#text", line)
	}
	p.shows("#follow", "Pause")
	get(p, chromedp.Click("#follow"))
	p.shows("#follow", "Follow")

	// A log that is new becomes one to choose.
	w.write(w.taskFile(runningTask, "state.log"), "Start: rpmbuild\n")
	p.shows("#logs", "state.log")

	w.write(w.taskFile(runningTask, "build.log"), "Finish: rpmbuild\n")
	w.exec(`UPDATE task SET state = 2, completion_time = now(), result = $2 WHERE id = $1`, runningTask, xmlrpc.MarshalFault(1, "none"))
	p.shows("#live", "Ended")
	p.shows("#text", "Finish: rpmbuild")
	p.shows("h1 .state", "closed")
	p.untroubled()
}

// A page without a log gets one when the task begins to write it.
func TestFirstLog(t *testing.T) {
	browser := newBrowser(t)
	w := newWorld(t)
	p := newTab(t, browser)
	p.open(fmt.Sprintf("%s/tasks/%d", w.URL, waitingTask))
	p.shows("#live", "Live")
	w.write(w.taskFile(waitingTask, "root.log"), "first words\n")
	p.shows("#text", "first words")
	p.untroubled()
}

// Lists load themselves again when something changes.
func TestFreshLists(t *testing.T) {
	browser := newBrowser(t)
	w := newWorld(t)
	p := newTab(t, browser)
	p.open(w.URL + "/tasks?owner=mikaela")
	p.shows("#live", "Live")
	w.addTask(aTask{id: 900, method: "waittest", arch: "noarch", owner: 2, params: []any{7}})
	p.shows("#list", "waittest")
	p.untroubled()
}

// A page whose stream broke off connects again and shows what it has missed.
func TestConnectionIsLost(t *testing.T) {
	browser := newBrowser(t)
	w := newWorld(t)
	p := newTab(t, browser)
	p.open(w.URL + "/tasks?owner=mikaela")
	p.shows("#live", "Live")
	w.CloseClientConnections()
	p.shows("#live", "Connecting")
	w.addTask(aTask{id: 901, method: "waittest", arch: "noarch", owner: 2, params: []any{7}})
	p.shows("#live", "Live")
	p.shows("#list", "waittest")
}
