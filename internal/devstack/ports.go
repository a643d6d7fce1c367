package devstack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"
)

// portPatience is how long the ports of a stack that was killed may take to
// become free.
const portPatience = 3 * time.Second

// claim returns the address that a service is to listen on: the one given, or,
// if that has port 0, one that is free, the same at every start. option is what
// chooses the address.
func (d *directory) claim(option, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("--%s %q: want HOST:PORT, such as 127.0.0.1:8080", option, address)
	}
	if port == "0" {
		return d.private(option, host)
	}
	if err := d.awaitFree(address); err != nil {
		if !errors.Is(err, syscall.EADDRINUSE) {
			return "", fmt.Errorf("cannot listen on %s: %w; choose another address with --%s", address, err, option)
		}
		return "", fmt.Errorf("%s is in use by another program; stop that, or choose another address, such as --%s %s", address, option, nextFree(host, port))
	}
	return address, nil
}

// private returns an address for a service of our own, with the port that it
// had before unless another program has taken that.
func (d *directory) private(name, host string) (string, error) {
	if port, ok := d.state.Ports[name]; ok {
		address := net.JoinHostPort(host, strconv.Itoa(port))
		if d.awaitFree(address) == nil {
			return address, nil
		}
	}
	for {
		port, err := freePort(host)
		if err != nil {
			return "", err
		}
		if d.given(port) {
			continue
		}
		d.state.Ports[name] = port
		return net.JoinHostPort(host, strconv.Itoa(port)), d.saveState()
	}
}

// given tells whether a port is another service's.
func (d *directory) given(port int) bool {
	for _, p := range d.state.Ports {
		if p == port {
			return true
		}
	}
	return false
}

// awaitFree returns nil as soon as one can listen on the address. It waits only
// for what the last stack may have left behind.
func (d *directory) awaitFree(address string) error {
	until := time.Now()
	if d.unclean {
		until = until.Add(portPatience)
	}
	for {
		err := tryListen(address)
		if err == nil || !time.Now().Before(until) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func tryListen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}

// Ports below those that the kernel gives to outgoing connections by default:
// one kept for the next start is most likely still free then.
const firstPort, lastPort = 20000, 32767

func freePort(host string) (int, error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if tryListen(net.JoinHostPort(host, strconv.Itoa(port))) == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d on %s", firstPort, lastPort, host)
}

// nextFree suggests an address near one that is taken.
func nextFree(host, port string) string {
	n, err := strconv.Atoi(port)
	for ; err == nil && n < 65535; n++ {
		address := net.JoinHostPort(host, strconv.Itoa(n+1))
		if tryListen(address) == nil {
			return address
		}
	}
	return net.JoinHostPort(host, "0")
}

// reachable returns how programs on this machine reach a listener.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
