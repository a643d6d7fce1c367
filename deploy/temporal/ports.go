package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

const (
	loopback = "127.0.0.1"

	firstInternalPort = 20000
	// defaultFirstEphemeral is Linux' lower end of the ports that outgoing connections get.
	defaultFirstEphemeral = 32768
	portAttempts          = 200
)

// freePorts finds n different free loopback ports for the services that only talk to each
// other. It cannot hold on to them: Temporal insists on binding them itself.
//
// They lie below the range that the kernel hands out to outgoing connections, so that no
// such connection can take one before Temporal's own bind.
func freePorts(n int) ([]int, error) {
	span := max(firstEphemeralPort()-firstInternalPort, 1)
	var ports []int
	for range portAttempts {
		if len(ports) == n {
			return ports, nil
		}
		port := firstInternalPort + rand.IntN(span)
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", loopback, port))
		if err != nil {
			continue
		}
		defer l.Close() // held until all are found, or one could be found twice
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no %d free ports in %d-%d on %s", n, firstInternalPort, firstInternalPort+span-1, loopback)
}

func firstEphemeralPort() int {
	first := defaultFirstEphemeral
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		// On garbage the default stays.
		_, _ = fmt.Sscan(string(b), &first)
	}
	return first
}
