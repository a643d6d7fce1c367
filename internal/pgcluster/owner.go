package pgcluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// owner is the user that a root process runs the server as.
type owner struct {
	name     string
	uid, gid int
	// passes says that the directories above are closed to the user, and that
	// its processes get the capability to go through.
	passes bool
}

// findOwner returns nil when this process does not run as root.
func findOwner() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("pgcluster: user %s: %w", name, err)
		}
		return &owner{name: name, uid: uid, gid: gid}, nil
	}
	return nil, errors.New("pgcluster: PostgreSQL does not run as root and there is no user postgres; run `useradd --system postgres`")
}

// attributes returns how a program is started as the owner.
func (o *owner) attributes() *syscall.SysProcAttr {
	if o == nil {
		return &syscall.SysProcAttr{}
	}
	a := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}}
	if o.passes {
		a.AmbientCaps = []uintptr{unix.CAP_DAC_READ_SEARCH}
	}
	return a
}

// canPass tells whether this process may hand on CAP_DAC_READ_SEARCH.
func canPass() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Permitted&(1<<unix.CAP_DAC_READ_SEARCH) != 0
}

// own gives dir and all below to the owner, unless dir is the owner's already.
func (o *owner) own(dir string) error {
	if o == nil {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == o.uid {
		return nil
	}
	// The top goes last: it tells whether all the rest is done.
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		return os.Lchown(path, o.uid, o.gid)
	})
	if err != nil {
		return fmt.Errorf("pgcluster: give %s to %s: %w", dir, o.name, err)
	}
	if err := os.Chown(dir, o.uid, o.gid); err != nil {
		return fmt.Errorf("pgcluster: give %s to %s: %w", dir, o.name, err)
	}
	return nil
}

// reach sees to it that the owner can get to dir through the directories above.
// /root is closed to everyone on most systems, and people keep their work there:
// the server may then go through what it could not enter.
func (o *owner) reach(dir string) error {
	if o == nil {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return fmt.Errorf("pgcluster: %w", err)
		}
		if !o.enters(info) && canPass() {
			o.passes = true
			return nil
		}
		if !o.enters(info) {
			return fmt.Errorf("pgcluster: the user %s, which PostgreSQL runs as, may not enter %s (%s); choose another data directory or run `chmod o+x %s`",
				o.name, d, info.Mode(), d)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

func (o *owner) enters(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return true
	case int(st.Uid) == o.uid:
		return info.Mode()&0o100 != 0
	case int(st.Gid) == o.gid:
		return info.Mode()&0o010 != 0
	}
	return info.Mode()&0o001 != 0
}
