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
	host    string
	conn    net.Conn
	r       *bufio.Reader
	head    string
	session string // its headers; empty without one
	callnum int
	out     bytes.Buffer
}

// dial connects to the hub of this URL.
func dial(hub string) (*caller, error) {
	u, err := url.Parse(hub)
	if err != nil {
		return nil, err
	}
	c := &caller{host: u.Host, r: bufio.NewReaderSize(nil, 64<<10)}
	c.head = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: koji/1\r\nContent-Type: text/xml\r\n", u.Path, u.Host)
	return c, c.connect()
}

func (c *caller) connect() (err error) {
	if c.conn, err = net.Dial("tcp", c.host); err == nil {
		c.r.Reset(c.conn)
	}
	return err
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
	if _, err = io.Copy(io.Discard, resp.Body); err != nil || !resp.Close {
		return err
	}
	// Apache closes a connection after some requests.
	c.conn.Close()
	return c.connect()
}

// load is what a number of connections got out of a hub.
type load struct {
	took    []float64 // ms, each call
	seconds float64
	hub, db time.Duration // processor time
}

// add adds another turn of the same calls.
func (l *load) add(m load) {
	l.took = append(l.took, m.took...)
	l.seconds, l.hub, l.db = l.seconds+m.seconds, l.hub+m.hub, l.db+m.db
}

func (l *load) perSecond() float64 { return float64(len(l.took)) / l.seconds }

// percentile returns the ms that p of the calls took at most.
func (l *load) percentile(p float64) float64 { return percentile(l.took, p) }

// hammer has each caller make one call after the other for the time; body
// makes the i-th.
func hammer(callers []*caller, dur time.Duration, body func(i int) string) (load, error) {
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
			return load{}, err
		}
	}
	return load{took: slices.Concat(took...), seconds: elapsed}, nil
}
