package builder

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/activities/builder/multilib"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/workers/step"
)

// secondArches are the 32-bit arches of packages that go into repositories of
// 64-bit ones.
var secondArches = map[string]string{"x86_64": "i686", "ppc64": "ppc", "s390x": "s390"}

// secondFlavour is the 32-bit part of a dist repo, which is in place already.
type secondFlavour struct {
	arch string // of its packages
	rel  string // its folder below the top directory
	rpms map[string]*distRPM
}

// addMultilib adds the packages whose 32-bit flavour is wanted beside the chosen
// ones, and what these need. It does nothing unless the options ask for it.
func (d *distJob) addMultilib(ctx context.Context, chosen []*distRPM) ([]*distRPM, error) {
	if value(d.params.Opts.Multilib) == "" || !koji.IsMultilib(d.params.Arch) {
		return chosen, nil
	}
	second, err := d.secondFlavour(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := d.wantedOf(ctx, chosen, second)
	if err != nil || len(wanted) == 0 {
		return chosen, err
	}
	needed, err := d.resolve(ctx, second, wanted)
	if err != nil {
		return nil, err
	}
	for _, name := range needed {
		if slices.ContainsFunc(chosen, func(r *distRPM) bool { return r.nvra().Filename() == name }) {
			continue // noarch
		}
		r, ok := second.rpms[name]
		if !ok {
			return nil, koji.GenericErrorf("%s is not listed in %s/kojipkgs", name, second.rel)
		}
		rel := path.Join(second.rel, "Packages", strings.ToLower(name[:1]), name)
		r.Multilib, r.Path = true, filepath.Join(d.top, rel)
		if ok, err := d.hasFile(ctx, rel, r.Path); err != nil || !ok {
			return nil, cmp.Or(err, error(koji.GenericErrorf("there is no file %s", rel)))
		}
		chosen = append(chosen, r)
	}
	return chosen, nil
}

// secondFlavour reads what is in the 32-bit part.
func (d *distJob) secondFlavour(ctx context.Context) (*secondFlavour, error) {
	arch, ok := secondArches[d.params.Arch]
	if !ok {
		return nil, koji.GenericErrorf("no multilib arch of %s is known", d.params.Arch)
	}
	rel := path.Clean(koji.PathInfo{TopDir: "."}.DistRepo("", d.info.TagName, d.info.ID)) + "/" + koji.CanonArch(arch)
	list := filepath.Join(d.job.dir, "multilib-kojipkgs")
	if ok, err := d.fetchIfThere(ctx, rel+"/kojipkgs", list); err != nil || !ok {
		return nil, cmp.Or(err, error(koji.GenericErrorf("The multilib arch (%s) must be included", arch)))
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, infrastructure(err)
	}
	s := &secondFlavour{arch: arch, rel: rel}
	if err := json.Unmarshal(text, &s.rpms); err != nil {
		return nil, koji.GenericErrorf("%s/kojipkgs: %v", rel, err)
	}
	return s, nil
}

// wantedOf names the packages whose 32-bit flavour the rules want. They must be there.
func (d *distJob) wantedOf(ctx context.Context, chosen []*distRPM, second *secondFlavour) (wanted []string, err error) {
	config, err := d.fetchWork(ctx, *d.params.Opts.Multilib)
	if err != nil {
		return nil, err
	}
	rules, err := multilib.Read(config)
	if err != nil {
		return nil, koji.GenericErrorf("multilib rules: %v", err)
	}
	var missing []string
	for _, r := range chosen {
		if r.Arch == "noarch" {
			continue
		}
		header, err := rpmfile.Open(r.Path)
		if err != nil {
			return nil, koji.GenericErrorf("%s: %v", r.nvra(), err)
		}
		p := multilib.Package{Name: r.Name, Provides: header.Strings("PROVIDENAME")}
		for _, f := range header.Files() {
			p.Files = append(p.Files, f.Name)
		}
		if !rules.Wants(p) {
			continue
		}
		other := r.nvra()
		other.Arch = second.arch
		if _, ok := second.rpms[other.Filename()]; !ok {
			missing = append(missing, d.nameOf(path.Join(second.rel, "Packages", strings.ToLower(r.Name[:1]), other.Filename())))
			continue
		}
		wanted = append(wanted, other.String())
	}
	if len(missing) == 0 {
		return wanted, nil
	}
	slices.Sort(missing)
	text := "The following multilib files were missing:\n" + strings.Join(missing, "\n") + "\n"
	if err := d.sendText(ctx, "missing_multilib.log", text); err != nil {
		return nil, err
	}
	return nil, koji.GenericErrorf("multilib packages missing. See missing_multilib.log")
}

// multilibLog has what dnf says about the packages that are needed.
const multilibLog = "multilib.log"

// resolve has dnf find out which files of the 32-bit part one needs to install the
// wanted packages on a machine where nothing is.
func (d *distJob) resolve(ctx context.Context, second *secondFlavour, wanted []string) (files []string, err error) {
	url := d.cfg.TopURL + "/" + second.rel
	if d.cfg.TopDir != "" {
		url = "file://" + filepath.Join(d.cfg.TopDir, second.rel)
	}
	config := fmt.Sprintf("[main]\ngpgcheck=0\nreposdir=/nonexistent\nplugins=1\n\n[koji-%d]\nname=koji multilib task\nbaseurl=%s\nenabled=1\n", d.task.ID, url)
	name := "dnf.conf-koji-" + d.params.Arch
	if err := d.sendText(ctx, name, config); err != nil {
		return nil, err
	}
	log, dir := filepath.Join(d.job.dir, multilibLog), filepath.Join(d.job.dir, "dnf")
	d.logs.watch(log)
	argv := []string{"dnf", "-q", "-y", "-c", filepath.Join(d.job.dir, name), "--installroot", filepath.Join(dir, "root"),
		"--setopt=cachedir=" + filepath.Join(dir, "cache"), "--releasever=1", "--forcearch=" + d.params.Arch,
		// Debian's dnf loads the plugin "local", which wants to write outside.
		"--disableplugin=local", "download", "--resolve", "--alldeps", "--urls"}
	exit, err := d.steps.Run(ctx, "multilib", step.Spec{Argv: append(argv, wanted...), Log: log})
	switch {
	case err != nil:
		return nil, err
	case !exit.OK():
		return nil, koji.GenericErrorf("multilib dependencies cannot be resolved (dnf %v), see %s", exit, multilibLog)
	}
	said, err := os.ReadFile(log)
	if err != nil {
		return nil, infrastructure(err)
	}
	for line := range strings.Lines(string(said)) {
		if file, ok := strings.CutPrefix(strings.TrimSpace(line), url+"/"); ok {
			files = append(files, path.Base(file))
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
