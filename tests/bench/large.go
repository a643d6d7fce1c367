package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/tests/stack"
)

// large asks for the RPMs of a tag with every package, the largest answer that
// there is: how long it takes, and how much the hub grows by it.
func (b *bench) large(context.Context) error {
	hub, err := b.processes(isHub)
	if err != nil {
		return err
	}
	c, err := dial(b.Env["TOJI_URL"] + "/kojihub")
	if err != nil {
		return err
	}
	defer c.conn.Close()
	before, err := b.processes(isHub) // with its memory as it is now
	if err != nil {
		return err
	}
	for _, p := range hub {
		if err := forgetPeak(p); err != nil {
			return err
		}
	}
	body := request("listTaggedRPMS", "bench-big", keywords("inherit", true, "latest", true))
	var took []float64
	for range rounds {
		sent := time.Now()
		if err := c.call(body); err != nil {
			return err
		}
		took = append(took, time.Since(sent).Seconds())
	}
	grown := 0.0
	for i, p := range hub {
		peak, err := peakMemory(p)
		if err != nil {
			return err
		}
		grown += float64(peak-before[i].RSS) / (1 << 20)
	}
	b.report.add(everything, fmt.Sprintf("p50 / worst of %d", rounds), "s", percentile(took, 0.5), percentile(took, 1))
	b.report.add(everything, "growth of the hub", "MiB", grown)
	return nil
}

// forgetPeak makes a process's peak of memory what it uses now.
func forgetPeak(p stack.Process) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID), []byte("5"), 0)
}

// peakMemory is the most bytes that a process has used since forgetPeak.
func peakMemory(p stack.Process) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no peak of memory", p.PID)
}
