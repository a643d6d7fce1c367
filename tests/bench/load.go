package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// caller is one client: a connection that is kept, one call at a time. It is
// below net/http's client, whose own work would count on a machine that has the
// hub, too.
type caller struct {
	conn    net.Conn
	r       *bufio.Reader
	head    string
	session string // its headers; empty without one
	callnum int
	out     bytes.Buffer
}

func dial(hub string) (*caller, error) {
	u, err := url.Parse(hub)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("POST %s/kojihub HTTP/1.1\r\nHost: %s\r\nUser-Agent: koji/1\r\nContent-Type: text/xml\r\n", u.Path, u.Host)
	return &caller{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), head: head}, nil
}

func (c *caller) login(id int64, key string) {
	c.session = fmt.Sprintf("Koji-Session-Id: %d\r\nKoji-Session-Key: %s\r\n", id, key)
}

// call sends a request and reads the answer, which must not be a fault.
func (c *caller) call(body string) error {
	c.out.Reset()
	c.out.WriteString(c.head)
	if c.session != "" {
		c.callnum++
		fmt.Fprintf(&c.out, "%sKoji-Session-Callnum: %d\r\n", c.session, c.callnum)
	}
	fmt.Fprintf(&c.out, "Content-Length: %d\r\n\r\n%s", len(body), body)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var first [200]byte
	n, err := io.ReadFull(resp.Body, first[:])
	if err != nil && err != io.ErrUnexpectedEOF {
		return err
	}
	if bytes.Contains(first[:n], []byte("<fault>")) || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, first[:n])
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// rate is what a number of connections got out of the hub.
type rate struct {
	perSecond, p50, p99 float64 // p in ms
	calls               int
}

// hammer has each caller make one call after the other for the time; body
// makes the i-th.
func hammer(callers []*caller, dur time.Duration, body func(i int) string) (rate, error) {
	took := make([][]float64, len(callers))
	errs := make([]error, len(callers))
	began := time.Now()
	end := began.Add(dur)
	var all sync.WaitGroup
	for w, c := range callers {
		all.Go(func() {
			for i := w; errs[w] == nil && time.Now().Before(end); i += len(callers) {
				text := body(i)
				sent := time.Now()
				errs[w] = c.call(text)
				took[w] = append(took[w], milliseconds(time.Since(sent)))
			}
		})
	}
	all.Wait()
	elapsed := time.Since(began).Seconds()
	for _, err := range errs {
		if err != nil {
			return rate{}, err
		}
	}
	times := slices.Concat(took...)
	return rate{float64(len(times)) / elapsed, percentile(times, 0.5), percentile(times, 0.99), len(times)}, nil
}
