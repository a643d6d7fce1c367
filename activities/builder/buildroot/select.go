package buildroot

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"

	"github.com/toji-build/toji/workers/step"
)

// Config says how a builder makes buildroots.
type Config struct {
	// Driver is "mock", "native", or "auto": mock where it is installed.
	Driver string
	// Runner runs the task's steps. Required.
	Runner Runner
	// Mock is the program; /usr/bin/mock when empty.
	Mock string
	// MockUser is the unprivileged user that runs mock, with the group MockGroup;
	// "kojibuilder" and "mock" when empty.
	MockUser, MockGroup string
	// MockConfigDir is mock's --configdir; "/etc/mock" when empty. The roots'
	// files are in its folder koji.
	MockConfigDir string
	// CacheDir holds the native driver's base roots. Required for it.
	CacheDir string
	// NoUserNamespaces has the native driver enter roots as on a host whose users
	// may have no namespaces, which it finds out by itself otherwise.
	NoUserNamespaces bool
	// Self is how to run the native driver's "native-build"; this program's
	// when empty.
	Self []string
}

// Select returns the driver that cfg asks for, or says what the host lacks.
func Select(cfg Config) (Driver, error) {
	if cfg.Runner == nil {
		return nil, errors.New("buildroot: no runner")
	}
	switch cfg.Driver {
	case "mock":
		return newMock(cfg)
	case "native":
		return newNative(cfg)
	case "auto", "":
	default:
		return nil, fmt.Errorf("buildroot: unknown driver %q: use auto, mock or native", cfg.Driver)
	}
	mock, mockErr := newMock(cfg)
	if mockErr == nil {
		return mock, nil
	}
	native, err := newNative(cfg)
	if err != nil {
		return nil, errors.Join(err, mockErr)
	}
	return native, nil
}

func newMock(cfg Config) (*mockDriver, error) {
	path, err := exec.LookPath(cmp.Or(cfg.Mock, "/usr/bin/mock"))
	if err != nil {
		return nil, fmt.Errorf("buildroot: mock is not installed: %w", err)
	}
	owner, err := mockOwner(cmp.Or(cfg.MockUser, "kojibuilder"), cmp.Or(cfg.MockGroup, "mock"))
	if err != nil {
		return nil, fmt.Errorf("buildroot: who runs mock: %w", err)
	}
	return &mockDriver{runner: cfg.Runner, path: path, owner: owner, configDir: cmp.Or(cfg.MockConfigDir, "/etc/mock")}, nil
}

// mockOwner looks up who runs mock. Koji: of supplementary groups, only mock.
func mockOwner(name, group string) (step.User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return step.User{}, err
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return step.User{}, err
	}
	var ids [3]uint32
	for i, s := range []string{u.Uid, u.Gid, g.Gid} {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return step.User{}, err
		}
		ids[i] = uint32(n)
	}
	return step.User{UID: ids[0], GID: ids[1], Groups: ids[2:]}, nil
}

func newNative(cfg Config) (*nativeDriver, error) {
	var missing []error
	for _, prog := range []string{"dnf", "rpm", "bwrap"} {
		if _, err := exec.LookPath(prog); err != nil {
			missing = append(missing, fmt.Errorf("buildroot: the native driver needs %s: %w", prog, err))
		}
	}
	if cfg.CacheDir == "" {
		missing = append(missing, errors.New("buildroot: the native driver needs a CacheDir"))
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	self := cfg.Self
	if len(self) == 0 {
		// The shim runs the same program file, so this is right for it, too.
		self = step.Self("native-build")
	}
	return &nativeDriver{runner: cfg.Runner, cacheDir: cfg.CacheDir, self: self, noUserNamespaces: cfg.NoUserNamespaces}, nil
}
