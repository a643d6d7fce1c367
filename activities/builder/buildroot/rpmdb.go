package buildroot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Package is one package of a root, in the fields that host.setBuildRootList
// and host.updateBuildRootList take.
type Package struct {
	Name        string `rpc:"name" json:"name"`
	Version     string `rpc:"version" json:"version"`
	Release     string `rpc:"release" json:"release"`
	Epoch       *int64 `rpc:"epoch" json:"epoch"`
	Arch        string `rpc:"arch" json:"arch"`
	PayloadHash string `rpc:"payloadhash" json:"payloadhash"` // rpm's sigmd5, in hexadecimal
	Size        int64  `rpc:"size" json:"size"`               // bytes installed
	BuildTime   int64  `rpc:"buildtime" json:"buildtime"`     // seconds since 1970
}

// String returns NAME-VERSION-RELEASE.ARCH.
func (p Package) String() string {
	return fmt.Sprintf("%s-%s-%s.%s", p.Name, p.Version, p.Release, p.Arch)
}

// packageFormat is an rpm --queryformat; see rpm-queryformat(7).
const packageFormat = `%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\t%{SIGMD5}\t%{LONGSIZE}\t%{BUILDTIME}\n`

// InstalledPackages lists the packages of the root file system at root, sorted
// by name, from its own rpm database.
//
// Koji: buildsys-build and gpg-pubkey are left out.
func InstalledPackages(ctx context.Context, root string) ([]Package, error) {
	db, err := rpmDBPath(root)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "rpm", "--dbpath", db, "-qa", "--qf", packageFormat)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list installed packages: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	var packages []Package
	for line := range strings.Lines(string(out)) {
		p, err := parsePackage(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("list installed packages: %w", err)
		}
		if p.Name != "buildsys-build" && p.Name != "gpg-pubkey" {
			packages = append(packages, p)
		}
	}
	slices.SortFunc(packages, func(a, b Package) int { return strings.Compare(a.String(), b.String()) })
	return packages, nil
}

// rpmDBPath finds the database. Where a distribution keeps it is a macro of the
// distribution's rpm, and the host's may say something else.
func rpmDBPath(root string) (string, error) {
	inside, err := os.OpenRoot(root)
	if err != nil {
		return "", fmt.Errorf("list installed packages: %w", err)
	}
	defer inside.Close()
	for _, dir := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm"} {
		// Through os.Root: a link that leads out of the root is not followed.
		names, err := fs.Glob(inside.FS(), dir+"/*")
		if err == nil && len(names) > 0 {
			return filepath.Join(root, dir), nil
		}
	}
	return "", fmt.Errorf("list installed packages: no rpm database in %s", root)
}

func parsePackage(line string) (Package, error) {
	f := strings.Split(line, "\t")
	if len(f) != 8 {
		return Package{}, fmt.Errorf("unexpected line of rpm: %q", line)
	}
	p := Package{Name: f[0], Version: f[1], Release: f[2], Arch: f[4], PayloadHash: f[5]}
	var errs [3]error
	p.Size, errs[0] = strconv.ParseInt(f[6], 10, 64)
	p.BuildTime, errs[1] = strconv.ParseInt(f[7], 10, 64)
	if f[3] != "(none)" {
		var epoch int64
		epoch, errs[2] = strconv.ParseInt(f[3], 10, 64)
		p.Epoch = &epoch
	}
	if p.Name == "gpg-pubkey" {
		return p, nil // has no arch, size or hash
	}
	return p, errors.Join(errs[:]...)
}
