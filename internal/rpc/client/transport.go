package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func newTransport(o Options) (*http.Transport, error) {
	config := &tls.Config{
		InsecureSkipVerify: o.Insecure, //nolint:gosec // the user asked for it
		// Koji: Apache asks for the client certificate only once it has seen the path /ssllogin.
		Renegotiation: tls.RenegotiateOnceAsClient,
	}
	if o.Cert != "" {
		cert, err := tls.LoadX509KeyPair(o.Cert, o.Cert)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	if o.ServerCA != "" {
		pem, err := os.ReadFile(o.ServerCA)
		if err != nil {
			return nil, fmt.Errorf("server CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("server CA: no certificate in %s", o.ServerCA)
		}
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second, Control: giveUpEarly}).DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   30 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16,
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        64 << 10,
	}, nil
}

// unacknowledgedFor is how long the other side may leave what was sent without
// acknowledgement. Without it a connection whose network was away for a minute may
// take one more to notice that it is back.
const unacknowledgedFor = 20 * time.Second

// giveUpEarly sets that on a new socket.
func giveUpEarly(_, _ string, socket syscall.RawConn) (err error) {
	e := socket.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledgedFor.Milliseconds()))
	})
	return errors.Join(err, e)
}

// call is a request that can be sent several times.
type call struct {
	name        string // for messages
	url         string
	contentType string
	body        []byte
	login       bool                                      // opens or closes a session: the short timeout applies
	retried     bool                                      // set when an attempt failed on the way
	proof       func(ctx context.Context) (string, error) // see login
}

// newCall makes the request to call a method at url.
func newCall(method, url string, args ...any) (*call, error) {
	var body bytes.Buffer
	if err := xmlrpc.EncodeRequest(&body, method, args...); err != nil {
		return nil, fmt.Errorf("encode call of %s: %w", method, err)
	}
	return &call{name: method, url: url, contentType: "text/xml", body: body.Bytes()}, nil
}

// statusError is an answer of a web server that is none of a hub.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

// send makes one attempt. It returns a fault of the hub as *koji.Error.
func (c *Client) send(ctx context.Context, call *call, t *ticket) (any, error) {
	timeout := c.opts.Timeout
	if call.login {
		timeout = c.opts.AuthTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.url, bytes.NewReader(call.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", call.contentType)
	req.Header.Set("User-Agent", c.opts.UserAgent)
	if t != nil {
		req.Header.Set("Koji-Session-Id", strconv.FormatInt(t.id, 10))
		req.Header.Set("Koji-Session-Key", t.key)
		req.Header.Set("Koji-Session-Callnum", strconv.FormatInt(t.callnum, 10))
	}
	if err := c.authorize(req, call, t); err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return c.receive(resp)
}

// authorize sets the Authorization header where the call needs one.
func (c *Client) authorize(req *http.Request, call *call, t *ticket) error {
	switch token := c.apiToken(); {
	case call.proof != nil:
		proof, err := call.proof(req.Context())
		if err != nil {
			return proofError{err}
		}
		req.Header.Set("Authorization", proof)
	case t == nil && token != "":
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// proofError says why the client cannot tell who it is.
type proofError struct{ error }

func (e proofError) Unwrap() error { return e.error }

func (c *Client) receive(resp *http.Response) (any, error) {
	if resp.StatusCode != http.StatusOK {
		return nil, statusOf(resp)
	}
	if version := resp.Header.Get("Koji-Version"); version != "" {
		c.version.Store(version)
	}
	v, err := xmlrpc.DecodeResponse(resp.Body)
	if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		return nil, &koji.Error{Fault: fault.Code, Msg: fault.String}
	}
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return v, nil
}

// statusOf makes an error of an answer with another status than 200 and the
// first line of its text.
func statusOf(resp *http.Response) error {
	line, _ := bufio.NewReader(io.LimitReader(resp.Body, 500)).ReadString('\n')
	text := fmt.Sprintf("%s: %s", resp.Request.URL.Host, resp.Status)
	if line != "" {
		text += ": " + string(bytes.TrimSpace([]byte(line)))
	}
	return &statusError{resp.StatusCode, text}
}

// retryable reports whether the same request may succeed later: not when it was
// refused as malformed, nor when one side does not accept the other's certificate.
func retryable(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.code >= 500 || status.code == http.StatusRequestTimeout || status.code == http.StatusTooManyRequests
	}
	if _, ok := errors.AsType[writeError](err); ok {
		return false
	}
	if _, ok := errors.AsType[proofError](err); ok {
		return false
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	return true
}

// dropped reports whether the other side closed a connection that was idle.
func dropped(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}
