package hub

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// life is a hub with a build host (1), a tag "dest" (1) that lists the packages
// foo and baz, and two open tasks (100, 101) of labuser on the host.
type life struct {
	*Hub
	t   *testing.T
	ctx context.Context // kojiadmin's
}

func newLife(t *testing.T) *life {
	t.Helper()
	return newLifeOf(t, newTestHub(t))
}

func newLifeOf(t *testing.T, h *Hub) *life {
	t.Helper()
	_, err := h.Store.Exec(t.Context(), `
		INSERT INTO users (id, name, status, usertype) VALUES (3, 'builder1', 0, 1);
		INSERT INTO host (id, user_id, name) VALUES (1, 3, 'builder1');
		INSERT INTO host_config (host_id, creator_id) VALUES (1, 1);
		INSERT INTO tag (id, name) VALUES (1, 'dest'), (2, 'other');
		INSERT INTO tag_config (tag_id, creator_id) VALUES (1, 1), (2, 1);
		INSERT INTO package (id, name) VALUES (1, 'foo'), (2, 'baz');
		SELECT setval('package_id_seq', 2);
		INSERT INTO tag_packages (tag_id, package_id, blocked, creator_id) VALUES (1, 1, false, 1), (1, 2, false, 1);
		INSERT INTO tag_package_owners (tag_id, package_id, owner, creator_id) VALUES (1, 1, 2, 1), (1, 2, 2, 1);
		INSERT INTO task (id, state, owner, method, request, arch, channel_id, host_id, weight) VALUES
			(100, 1, 2, 'build', '', 'noarch', 1, 1, 1), (101, 1, 2, 'build', '', 'noarch', 1, 1, 1);
		INSERT INTO repo (id, tag_id, state) VALUES (1, 1, 1)`)
	require.NoError(t, err)
	admin := &session.Session{ID: 1, UserID: 1, UserName: "kojiadmin", Perms: []string{"admin"}}
	return &life{h, t, session.With(t.Context(), admin)}
}

// upload copies RPMs to a directory below work/ and returns their names there.
func (l *life) upload(dir string, rpms ...string) []string {
	l.t.Helper()
	var names []string
	for _, name := range rpms {
		content, err := os.ReadFile(filepath.Join("testdata/rpms", name))
		require.NoError(l.t, err)
		names = append(names, l.uploadText(dir, name, string(content)))
	}
	return names
}

func (l *life) uploadText(dir, name, content string) string {
	l.t.Helper()
	path := filepath.Join(l.Paths.Work(""), dir, name)
	require.NoError(l.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(l.t, os.WriteFile(path, []byte(content), 0o644))
	return dir + "/" + name
}

func (l *life) init(taskID int64, name, version string) (int64, error) {
	return l.InitBuild(l.ctx, InitBuildRequest{TaskID: taskID, Owner: 2, Name: name, Version: version, Release: "1", Source: "git://x#1"})
}

// begun begins foo-1.0-1 for task 100 and uploads what it is made of.
func (l *life) begun() CompleteBuildRequest {
	l.t.Helper()
	id, err := l.init(100, "foo", "1.0")
	require.NoError(l.t, err)
	_, err = l.Store.Exec(l.ctx, `INSERT INTO buildroot (id, br_type) VALUES (7, 0), (8, 0) ON CONFLICT DO NOTHING`)
	require.NoError(l.t, err)
	files := l.upload("tasks/100/100", "foo-1.0-1.src.rpm", "foo-1.0-1.x86_64.rpm", "foo-devel-1.0-1.x86_64.rpm")
	return CompleteBuildRequest{
		TaskID: 100, BuildID: id, SRPM: files[0], RPMs: files[1:],
		BuildrootOf: map[string]int64{files[0]: 7, files[1]: 8, files[2]: 8},
		Logs: map[string][]string{
			"x86_64": {l.uploadText("tasks/101/101", "build.log", "all is well")},
			"":       {l.uploadText("tasks/100/100", "plan.log", "a plan")},
		},
	}
}

// begunDraft is begun for a draft.
func (l *life) begunDraft() CompleteBuildRequest {
	l.t.Helper()
	req := l.begun()
	require.NoError(l.t, l.FailBuild(l.ctx, 100, req.BuildID))
	l.exec(`DELETE FROM build_types; DELETE FROM build`) // the NVR is wanted once more
	var err error
	req.BuildID, err = l.InitBuild(l.ctx, InitBuildRequest{TaskID: 100, Owner: 2, Name: "foo", Version: "1.0", Release: "1", Draft: true})
	require.NoError(l.t, err)
	return req
}

func (l *life) get(id int64) *api.Build {
	l.t.Helper()
	b, err := l.build(l.ctx, id, true)
	require.NoError(l.t, err)
	return b
}

func TestInitBuild(t *testing.T) {
	l := newLife(t)
	id, err := l.init(100, "foo", "1.0")
	require.NoError(t, err)
	b := l.get(id)
	require.Equal(t, koji.BuildBuilding, b.State)
	require.Equal(t, "labuser", b.OwnerName)
	require.Equal(t, int64(100), *b.TaskID)
	require.Equal(t, "git://x#1", *b.Source)
	require.True(t, b.CompletionTime.IsZero())

	again, err := l.init(100, "foo", "1.0")
	require.NoError(t, err)
	require.Equal(t, id, again, "the same task gets it again")
	_, err = l.init(101, "foo", "1.0")
	require.EqualError(t, err, "Build already in progress (task 100)")

	require.EqualError(t, l.FailBuild(l.ctx, 101, id), "build "+strconv.FormatInt(id, 10)+" is not of task 101")
	require.Equal(t, koji.BuildBuilding, l.get(id).State)
	require.NoError(t, l.FailBuild(l.ctx, 100, id))
	require.NoError(t, l.FailBuild(l.ctx, 100, id), "again")
	again, err = l.init(101, "foo", "1.0")
	require.NoError(t, err)
	require.Equal(t, id, again, "what failed is used again")
	require.Equal(t, int64(101), *l.get(id).TaskID)

	canceled, err := l.CancelBuild(l.ctx, id, false)
	require.NoError(t, err)
	require.True(t, canceled)
	canceled, err = l.CancelBuild(l.ctx, id, false)
	require.NoError(t, err)
	require.False(t, canceled)
	require.Equal(t, koji.BuildCanceled, l.get(id).State)

	_, err = l.init(100, "bad name", "1.0")
	require.EqualError(t, err, "Name bad name does not match RegexNameInternal value")
	_, err = l.init(100, "foo", "../../etc")
	require.EqualError(t, err, `invalid format: "foo-../../etc-1"`)
}

func TestInitBuildRefusesWhatIsThere(t *testing.T) {
	l := newLife(t)
	req := l.begun()
	require.NoError(t, l.CompleteBuild(l.ctx, req))
	_, err := l.init(101, "foo", "1.0")
	require.ErrorContains(t, err, "Build already exists (id="+strconv.FormatInt(req.BuildID, 10)+", state=COMPLETE): {'name': 'foo', 'version': '1.0', ")
	require.True(t, koji.IsFault(err, koji.FaultGeneric))
}

func TestInitDraft(t *testing.T) {
	l := newLife(t)
	req := InitBuildRequest{TaskID: 100, Owner: 2, Name: "foo", Version: "1.0", Release: "1", Draft: true}
	id, err := l.InitBuild(l.ctx, req)
	require.NoError(t, err)
	require.Equal(t, koji.DraftRelease("1", id), l.get(id).Release)
	again, err := l.InitBuild(l.ctx, req)
	require.NoError(t, err)
	require.Equal(t, id, again)
}

func TestCompleteBuild(t *testing.T) {
	l := newLife(t)
	req := l.begun()
	require.NoError(t, l.CompleteBuild(l.ctx, req))

	b := l.get(req.BuildID)
	require.Equal(t, koji.BuildComplete, b.State)
	require.False(t, b.CompletionTime.IsZero())
	rpms, err := loaded(l.Store.ListRPMs(l.ctx, store.RPMFilter{BuildID: &b.ID}, query.Options{Order: "id"}))
	require.NoError(t, err)
	require.Len(t, rpms, 3)
	src := rpms[0]
	require.Equal(t, "foo-1.0-1.src", src.Parts().String())
	require.Equal(t, "e297bb0318bac53be5c68b5960d1c114", src.PayloadHash)
	require.Equal(t, int64(6880), src.Size)
	require.Equal(t, int64(1700000000), src.BuildTime)
	require.Equal(t, int64(7), *src.BuildrootID)
	require.Equal(t, int64(8), *rpms[1].BuildrootID)
	types, err := l.Store.BuildTypes(l.ctx, b.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"rpm"}, types.Names)

	dir := l.Paths.Build("", b.Parts())
	for _, name := range []string{
		"src/foo-1.0-1.src.rpm", "x86_64/foo-devel-1.0-1.x86_64.rpm", "data/logs/x86_64/build.log", "data/logs/plan.log",
		"data/sigcache/x86_64/foo-1.0-1.x86_64.rpm.sig",
	} {
		require.True(t, isRegular(filepath.Join(dir, name)), name)
	}
	link, err := os.Readlink(filepath.Join(l.Paths.Work(""), req.SRPM))
	require.NoError(t, err)
	require.Equal(t, "../../../../packages/foo/1.0/1/src/foo-1.0-1.src.rpm", link)

	require.NoError(t, l.CompleteBuild(l.ctx, req), "the same call again")
	req.TaskID = 101
	require.ErrorContains(t, l.CompleteBuild(l.ctx, req), "task_id mismatch (build: 100, rpm: 101)")
}

// When anything is wrong, nothing of the build is imported.
func TestCompleteBuildVerifiesFirst(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(l *life, r *CompleteBuildRequest)
		want string
	}{
		{"no file", func(l *life, r *CompleteBuildRequest) { r.RPMs = append(r.RPMs, "tasks/100/100/nosuch-1-1.noarch.rpm") }, "No such file: "},
		{"outside", func(l *life, r *CompleteBuildRequest) { r.RPMs = append(r.RPMs, "../../etc/passwd") }, "invalid path"},
		{"absolute", func(l *life, r *CompleteBuildRequest) { r.SRPM = "/etc/passwd" }, "invalid path"},
		{"link", func(l *life, r *CompleteBuildRequest) {
			secret := filepath.Join(l.Paths.Work(""), "tasks/100/100/secret-1-1.noarch.rpm")
			require.NoError(l.t, os.Symlink("/etc/passwd", secret))
			r.RPMs = append(r.RPMs, "tasks/100/100/secret-1-1.noarch.rpm")
		}, "is not a regular file"},
		{"no RPM", func(l *life, r *CompleteBuildRequest) {
			r.RPMs = append(r.RPMs, l.uploadText("tasks/100/100", "bad-1-1.noarch.rpm", "not an RPM"))
		}, "bad-1-1.noarch.rpm"},
		{"corrupt", func(l *life, r *CompleteBuildRequest) {
			path := filepath.Join(l.Paths.Work(""), r.RPMs[1])
			content, err := os.ReadFile(path)
			require.NoError(l.t, err)
			content[len(content)-5] ^= 1
			require.NoError(l.t, os.WriteFile(path, content, 0o644))
		}, "corrupt RPM"},
		{"other name", func(l *life, r *CompleteBuildRequest) {
			path := filepath.Join(l.Paths.Work(""), r.RPMs[0])
			require.NoError(l.t, os.Rename(path, filepath.Dir(path)+"/foo-9-9.x86_64.rpm"))
			r.RPMs[0] = "tasks/100/100/foo-9-9.x86_64.rpm"
		}, "bad filename: foo-9-9.x86_64.rpm (expected foo-1.0-1.x86_64.rpm)"},
		{"another source", func(l *life, r *CompleteBuildRequest) {
			r.RPMs = append(r.RPMs, l.upload("tasks/100/100", "baz-0.9-1.noarch.rpm")...)
		}, "srpm mismatch for tasks/100/100/baz-0.9-1.noarch.rpm: baz-0.9-1.src.rpm (expected foo-1.0-1.src.rpm)"},
		{"another build", func(l *life, r *CompleteBuildRequest) { r.SRPM = l.upload("x", "foo-1.1-1.src.rpm")[0] },
			"Unable to complete build: version mismatch (build: 1.0, rpm: 1.1)"},
		{"no source", func(l *life, r *CompleteBuildRequest) { r.SRPM = r.RPMs[1] }, "not a source package: "},
		{"no buildroot", func(l *life, r *CompleteBuildRequest) { r.BuildrootOf[r.SRPM] = 99 }, "no buildroot with ID: 99"},
		{"log twice", func(l *life, r *CompleteBuildRequest) {
			r.Logs["x86_64"] = append(r.Logs["x86_64"], l.uploadText("tasks/100/100", "build.log", "again"))
		}, "build.log already exists."},
		{"log elsewhere", func(l *life, r *CompleteBuildRequest) { r.Logs["../../.."] = r.Logs[""] }, "invalid path"},
		{"failed", func(l *life, r *CompleteBuildRequest) { require.NoError(l.t, l.FailBuild(l.ctx, 100, r.BuildID)) },
			"Unable to complete build: state is FAILED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLife(t)
			req := l.begun()
			c.harm(l, &req)
			require.ErrorContains(t, l.CompleteBuild(l.ctx, req), c.want)
			require.NotEqual(t, koji.BuildComplete, l.get(req.BuildID).State)
			rpms, err := loaded(l.Store.ListRPMs(l.ctx, store.RPMFilter{}, query.Options{}))
			require.NoError(t, err)
			require.Empty(t, rpms)
			require.NoDirExists(t, filepath.Join(l.Paths.TopDir, "packages"))
		})
	}
}

// A try that died after it had moved files, or left files of another try behind,
// does not keep the next one from success.
func TestCompleteBuildAfterCrash(t *testing.T) {
	l := newLife(t)
	req := l.begun()
	dir := l.Paths.Build("", koji.NVR{Name: "foo", Version: "1.0", Release: "1"})
	f := filing{work: l.Paths.Work("")}
	require.NoError(t, f.move(req.SRPM, dir+"/src/foo-1.0-1.src.rpm"))
	moved := filepath.Join(l.Paths.Work(""), req.RPMs[0]) // died before it made the link
	require.NoError(t, os.MkdirAll(dir+"/x86_64", 0o755))
	require.NoError(t, os.Rename(moved, dir+"/x86_64/foo-1.0-1.x86_64.rpm"))
	require.NoError(t, os.WriteFile(dir+"/x86_64/foo-devel-1.0-1.x86_64.rpm", []byte("of another try"), 0o644))

	require.NoError(t, l.CompleteBuild(l.ctx, req))
	for _, name := range []string{"src/foo-1.0-1.src.rpm", "x86_64/foo-1.0-1.x86_64.rpm", "x86_64/foo-devel-1.0-1.x86_64.rpm"} {
		_, err := readRPM(filepath.Join(dir, name), name)
		require.NoError(t, err, name)
	}
	_, err := os.Readlink(moved)
	require.NoError(t, err)
}

func TestFilingUndo(t *testing.T) {
	l := newLife(t)
	f := filing{work: l.Paths.Work("")}
	rel := l.uploadText("a/b", "file", "content")
	to := l.Paths.TopDir + "/packages/file"
	require.NoError(t, f.move(rel, to))
	require.NoError(t, f.move(rel, to), "again")
	require.NoError(t, f.undo())
	require.NoFileExists(t, to)
	require.True(t, isRegular(filepath.Join(f.work, rel)))
}

// The same noarch package comes from every arch; one of them is imported.
func TestCompleteBuildNoarch(t *testing.T) {
	l := newLife(t)
	id, err := l.init(100, "baz", "0.9")
	require.NoError(t, err)
	srpm := l.upload("tasks/100/100", "baz-0.9-1.src.rpm")[0]
	a := l.upload("tasks/101/101", "baz-0.9-1.noarch.rpm")[0]
	b := l.upload("tasks/102/102", "baz-0.9-1.noarch.rpm")[0]
	require.NoError(t, l.CompleteBuild(l.ctx, CompleteBuildRequest{TaskID: 100, BuildID: id, SRPM: srpm, RPMs: []string{a, b}}))
	rpms, err := loaded(l.Store.ListRPMs(l.ctx, store.RPMFilter{BuildID: &id}, query.Options{}))
	require.NoError(t, err)
	require.Len(t, rpms, 2)
	require.True(t, isRegular(filepath.Join(l.Paths.Work(""), b)), "the copy stays where it is")
}

func TestCompleteBuildNoarchDiffers(t *testing.T) {
	_, err := exec.LookPath("rpmbuild")
	testenv.Need(t, err == nil, "rpmbuild")
	l := newLife(t)
	id, err := l.init(100, "odd", "1")
	require.NoError(t, err)
	l.rpmbuild("tasks/101/101", "a")
	l.rpmbuild("tasks/102/102", "b")
	err = l.CompleteBuild(l.ctx, CompleteBuildRequest{
		TaskID: 100, BuildID: id, SRPM: "tasks/101/101/odd-1-1.src.rpm",
		RPMs: []string{"tasks/101/101/odd-1-1.noarch.rpm", "tasks/102/102/odd-1-1.noarch.rpm"},
	})
	require.ErrorContains(t, err, "The following noarch package built differently on different architectures: odd-1-1.noarch.rpm\nrpmdiff output was:\n")
	require.True(t, koji.IsFault(err, koji.FaultBuild))
	require.Equal(t, koji.KindPackage, koji.KindOf(err))
}

// rpmbuild makes odd-1-1 with one file of the given name.
func (l *life) rpmbuild(dir, file string) {
	l.t.Helper()
	top := l.t.TempDir()
	spec := filepath.Join(top, "odd.spec")
	require.NoError(l.t, os.WriteFile(spec, []byte("Name: odd\nVersion: 1\nRelease: 1\nSummary: odd\nLicense: MIT\nBuildArch: noarch\n"+
		"%description\nodd\n%install\nmkdir -p %{buildroot}/opt\necho x > %{buildroot}/opt/"+file+"\n%files\n/opt/"+file+"\n"), 0o644))
	out, err := exec.CommandContext(l.t.Context(), "rpmbuild", "-ba", "--nodeps", "--define", "_topdir "+top, spec).CombinedOutput()
	require.NoError(l.t, err, string(out))
	dest := filepath.Join(l.Paths.Work(""), dir)
	require.NoError(l.t, os.MkdirAll(dest, 0o755))
	for _, rpm := range []string{"SRPMS/odd-1-1.src.rpm", "RPMS/noarch/odd-1-1.noarch.rpm"} {
		require.NoError(l.t, os.Rename(filepath.Join(top, rpm), filepath.Join(dest, filepath.Base(rpm))))
	}
}

func TestMoveToScratch(t *testing.T) {
	l := newLife(t)
	files := l.upload("tasks/100/100", "foo-1.0-1.src.rpm", "foo-1.0-1.x86_64.rpm")
	logs := map[string][]string{"x86_64": {l.uploadText("tasks/101/101", "build.log", "all is well")}}
	for range 2 {
		require.NoError(t, l.MoveToScratch(l.ctx, 100, files[0], files[1:], logs))
		dir := filepath.Join(l.Paths.TopDir, "scratch/labuser/task_100")
		for _, name := range []string{"foo-1.0-1.src.rpm", "foo-1.0-1.x86_64.rpm", "logs/x86_64/build.log"} {
			require.True(t, isRegular(filepath.Join(dir, name)), name)
		}
	}
	require.Error(t, l.MoveToScratch(l.ctx, 100, "../../x", nil, nil))
}

func TestImportRPM(t *testing.T) {
	l := newLife(t)
	imported := func(dir, name string) (*api.ImportedRPM, error) {
		l.upload(dir, name)
		var r *api.ImportedRPM
		err := l.Store.InTx(l.ctx, func(ctx context.Context) (err error) {
			r, err = l.importRPM(ctx, api.ImportRPMParams{Path: dir, Basename: name})
			return err
		})
		return r, err
	}
	_, err := imported("cli/1", "foo-1.0-1.x86_64.rpm")
	require.EqualError(t, err, "No such build")
	r, err := imported("cli/1", "foo-1.0-1.src.rpm")
	require.NoError(t, err)
	require.Equal(t, koji.BuildComplete, r.Build.State)
	require.Equal(t, "kojiadmin", r.Build.OwnerName)
	require.Equal(t, int64(1), *r.SourcePackage)
	r2, err := imported("cli/1", "foo-1.0-1.x86_64.rpm")
	require.NoError(t, err)
	require.Equal(t, r.BuildID, r2.BuildID)
	require.Equal(t, "foo-1.0-1.src.rpm", *r2.SourceRPM)
	_, err = imported("cli/2", "foo-1.0-1.x86_64.rpm")
	require.EqualError(t, err, "an RPM of this name has been imported already")
	require.True(t, isRegular(filepath.Join(l.Paths.Work(""), "cli/2/foo-1.0-1.x86_64.rpm")), "what was refused stays")
	for _, p := range []api.ImportRPMParams{{Path: "../..", Basename: "x"}, {Path: "cli", Basename: "../x"}, {Path: "/etc", Basename: "passwd"}} {
		_, err = l.importRPM(l.ctx, p)
		require.Error(t, err)
	}
}

func TestCompleteBuildOnVolume(t *testing.T) {
	l := newLife(t)
	l.exec(`INSERT INTO volume (id, name) VALUES (1, 'archive')`)
	require.NoError(t, os.MkdirAll(l.Paths.Volume("archive"), 0o755))
	require.NoError(t, l.LoadPolicy(config.Policies{Texts: map[string]string{"volume": "package foo :: archive\nall :: DEFAULT"}}))
	req := l.begun()
	require.NoError(t, l.CompleteBuild(l.ctx, req))
	b := l.get(req.BuildID)
	require.Equal(t, "archive", b.VolumeName)
	require.True(t, isRegular(l.Paths.Build("archive", b.Parts())+"/src/foo-1.0-1.src.rpm"))
	link, err := os.Readlink(l.Paths.Build("", b.Parts()))
	require.NoError(t, err)
	require.Equal(t, "../../../vol/archive/packages/foo/1.0/1", link)

	_, err = l.changeBuildVolume(l.ctx, api.ChangeBuildVolumeParams{Build: b.ID, Volume: "DEFAULT", Strict: true})
	require.NoError(t, err)
	require.True(t, isRegular(l.Paths.Build("", b.Parts())+"/src/foo-1.0-1.src.rpm"))
	require.NoDirExists(t, l.Paths.Build("archive", b.Parts()))
	_, err = l.changeBuildVolume(l.ctx, api.ChangeBuildVolumeParams{Build: b.ID, Volume: "DEFAULT", Strict: true})
	require.EqualError(t, err, "Build foo-1.0-1 already on volume DEFAULT")
}

func TestPromoteBuild(t *testing.T) {
	l := newLife(t)
	req := l.begunDraft()
	id := req.BuildID
	promote := func() (b *api.Build, err error) {
		err = l.Store.InTx(l.ctx, func(ctx context.Context) error {
			b, err = l.promoteBuild(ctx, api.PromoteBuildParams{Build: id, Force: true})
			return err
		})
		return b, err
	}
	_, err := promote()
	require.ErrorContains(t, err, "Reason: state (BUILDING) is not COMPLETE.")
	require.NoError(t, l.CompleteBuild(l.ctx, req))
	draft := l.get(id)
	b, err := promote()
	require.NoError(t, err)
	require.Equal(t, "foo-1.0-1", b.NVR)
	require.Equal(t, "kojiadmin", *b.PromoterName)
	require.True(t, isRegular(l.Paths.Build("", b.Parts())+"/src/foo-1.0-1.src.rpm"))
	link, err := os.Readlink(l.Paths.Build("", draft.Parts()))
	require.NoError(t, err)
	require.Equal(t, "1", link)
	rpms, err := loaded(l.Store.ListRPMs(l.ctx, store.RPMFilter{BuildID: &id}, query.Options{}))
	require.NoError(t, err)
	require.Len(t, rpms, 3)
	require.False(t, *rpms[0].Draft)
	_, err = promote()
	require.EqualError(t, err, "Cannot promote build foo-1.0-1. Reason: Not a draft build")
}
