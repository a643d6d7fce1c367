package faults

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel stops a process at each system call that may write, tells us (seccomp's
// user notification) and waits for our word. So the process is killed before a
// certain write with nothing in it that knows of it.

// onPaths are the system calls that change a path, with the arguments that name it.
var onPaths = map[int32]struct {
	name      string
	dir, path int
}{
	unix.SYS_OPENAT: {"create", 0, 1}, unix.SYS_RENAMEAT: {"rename to", 2, 3}, unix.SYS_RENAMEAT2: {"rename to", 2, 3},
	unix.SYS_MKDIRAT: {"mkdir", 0, 1}, unix.SYS_SYMLINKAT: {"symlink", 1, 2}, unix.SYS_LINKAT: {"link", 2, 3},
	unix.SYS_UNLINKAT: {"unlink", 0, 1}, unix.SYS_FCHMODAT: {"chmod", 0, 1},
}

// onFiles are those that change an open file, or send something, with the argument
// that is its descriptor.
var onFiles = map[int32]struct {
	name string
	fd   int
}{
	unix.SYS_WRITE: {"write", 0}, unix.SYS_PWRITE64: {"write", 0}, unix.SYS_COPY_FILE_RANGE: {"write", 2}, unix.SYS_SENDFILE: {"write", 0},
	unix.SYS_SPLICE: {"write", 2}, unix.SYS_FTRUNCATE: {"truncate", 0}, unix.SYS_FCHMOD: {"chmod", 0},
}

// trapSocket is the descriptor by which a trapped process hands its listener over.
const trapSocket = 3

// enter puts this process into the trap and goes on as the role.
func enter(role string) error {
	runtime.LockOSThread()
	writes := slices.AppendSeq(slices.Collect(maps.Keys(onPaths)), maps.Keys(onFiles))
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the number of the call
	for i, nr := range writes {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(writes) - i), K: uint32(nr)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// A call of which we were told is not begun anew for a signal: it would count twice.
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	if err := unix.Sendmsg(trapSocket, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return err
	}
	return errors.Join(unix.Close(trapSocket), unix.Exec("/proc/self/exe", []string{os.Args[0], role}, os.Environ()))
}

// trapsWork reports whether the kernel can tell us of system calls.
func trapsWork() bool {
	action := uint32(unix.SECCOMP_RET_USER_NOTIF)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}

// syscall is what the kernel tells of a system call (struct seccomp_notif).
type syscall struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	_          uint64
	args       [6]uint64
}

// word is our answer (struct seccomp_notif_resp).
type word struct {
	id    uint64
	_     int64
	_     int32
	flags uint32
}

// prey is a process in the trap.
type prey struct {
	cmd    *exec.Cmd
	top    string          // writes below it count
	writes map[string]bool // prepared statements that do, by connection and name
	met    []string        // the writes it came to
}

// hunt runs a command, which enters the trap, and kills it at the nth write, at
// none if n is zero. It returns the writes that it came to.
func hunt(cmd *exec.Cmd, top string, n int) ([]string, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	theirs := os.NewFile(uintptr(pair[1]), "trap")
	cmd.ExtraFiles = []*os.File{theirs}
	err = cmd.Start()
	theirs.Close()
	defer unix.Close(pair[0])
	if err != nil {
		return nil, err
	}
	p := &prey{cmd: cmd, top: top, writes: map[string]bool{}}
	listener, err := receive(pair[0])
	if err == nil {
		err = p.watch(listener, n)
		unix.Close(listener)
	}
	if err != nil {
		_ = cmd.Process.Kill() // it may have ended by itself
	}
	return p.met, errors.Join(err, cmd.Wait())
}

// receive takes a descriptor over.
func receive(socket int) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		return 0, errors.Join(errors.New("the trap was not entered"), err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return 0, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	return fds[0], err
}

// watch lets calls pass until the nth write, or the end.
func (p *prey) watch(listener, n int) error {
	for {
		ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR {
			return err
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			if ready[0].Revents != 0 {
				return nil // nobody is left in the trap
			}
			continue
		}
		var c syscall
		switch err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&c)); err {
		case 0:
		case unix.ENOENT, unix.EINTR:
			continue // it has just ended
		default:
			return err
		}
		if what := p.looksAt(&c); what != "" {
			if p.met = append(p.met, what); len(p.met) == n {
				return p.cmd.Process.Kill()
			}
		}
		err := control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&word{id: c.id, flags: seccompContinue}))
		if err != 0 && err != unix.ENOENT {
			return err
		}
	}
}

// seccompContinue is SECCOMP_USER_NOTIF_FLAG_CONTINUE.
const seccompContinue = 1

func control(fd int, request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return errno
}

// looksAt says what a system call is about to write, "" for nothing that counts.
func (p *prey) looksAt(c *syscall) string {
	if on, ok := onPaths[c.nr]; ok {
		if c.nr == unix.SYS_OPENAT && c.args[2]&(unix.O_CREAT|unix.O_TRUNC) == 0 {
			return ""
		}
		return p.below(on.name, p.path(c, c.args[on.dir], c.args[on.path]))
	}
	on := onFiles[c.nr]
	file := p.link(c, c.args[on.fd])
	if c.nr == unix.SYS_WRITE && strings.HasPrefix(file, "socket:") {
		return p.sends(file, p.read(c, c.args[1], c.args[2]))
	}
	return p.below(on.name, file)
}

// below names a write to a path, if it is one that counts.
func (p *prey) below(what, path string) string {
	rel, ok := strings.CutPrefix(path, p.top+"/")
	if !ok {
		return ""
	}
	return what + " " + rel
}

// link is what a descriptor of the process is.
func (p *prey) link(c *syscall, fd uint64) string {
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", c.pid, int32(fd)))
	if err != nil {
		return ""
	}
	return to
}

// path reads a path from the process.
func (p *prey) path(c *syscall, dir, address uint64) string {
	text, _, _ := strings.Cut(string(p.read(c, address, unix.PathMax)), "\x00")
	if filepath.IsAbs(text) {
		return filepath.Clean(text)
	}
	return filepath.Join(p.link(c, dir), text)
}

// read reads memory of the process, as far as there is any.
func (p *prey) read(c *syscall, address, size uint64) []byte {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", c.pid))
	if err != nil {
		return nil
	}
	defer mem.Close()
	data := make([]byte, size)
	n, _ := mem.ReadAt(data, int64(address)) // what is beyond the end of the memory is not wanted
	return data[:n]
}

var writingSQL = regexp.MustCompile(`(?is)\b(insert\s+into|update|delete\s+from|nextval|commit|pg_notify)\b.{0,40}`)

// sends says what is written in what goes over a connection: to PostgreSQL, by its
// protocol, or to a mail relay.
func (p *prey) sends(connection string, data []byte) string {
	for _, command := range []string{"MAIL FROM", "RCPT TO", "DATA\r\n", "QUIT"} {
		if strings.HasPrefix(string(data), command) {
			return "mail: " + strings.TrimSpace(command)
		}
	}
	if strings.HasSuffix(string(data), "\r\n.\r\n") {
		return "mail: its text"
	}
	what := ""
	for len(data) >= 5 {
		size := int(binary.BigEndian.Uint32(data[1:])) + 1
		if size > len(data) {
			break
		}
		fields := strings.SplitN(string(data[5:size]), "\x00", 3)
		switch data[0] {
		case 'P': // a statement gets a name
			p.writes[connection+fields[0]] = false
			if text := writingSQL.FindString(fields[1]); text != "" {
				p.writes[connection+fields[0]] = true
			}
		case 'B': // one is run
			if p.writes[connection+fields[1]] {
				what = "SQL: a statement that writes"
			}
		case 'Q':
			if text := writingSQL.FindString(fields[0]); text != "" {
				what = "SQL: " + strings.Join(strings.Fields(text), " ")
			}
		}
		data = data[size:]
	}
	return what
}
