package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"strconv"
	"time"
)

// Options say how to reach a relay.
type Options struct {
	Host string // needed
	Port int    // needed
	From string // needed: the sender of all mail

	StartTLS bool        // speak TLS, and not at all without it
	TLS      *tls.Config // whom to trust; the system's authorities if nil

	User, Password string // for a login; no login without a user
}

func (o Options) validate() error {
	if o.Host == "" || o.Port == 0 || o.From == "" {
		return errors.New("mail: needs a relay's host and port, and a sender")
	}
	return nil
}

// Relay takes mail for anybody.
type Relay struct {
	opts Options
	name string // ours
}

// NewRelay returns a relay; it connects to nothing.
func NewRelay(o Options) (*Relay, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	if o.TLS == nil {
		o.TLS = new(tls.Config)
	}
	return &Relay{opts: o, name: name}, nil
}

// Sender is the address that mail is from.
func (r *Relay) Sender() string { return r.opts.From }

// Report says what became of a message, by recipient. The reasons of Deferred
// and Refused are the relay's.
type Report struct {
	Accepted []string
	Deferred map[string]string // to be tried again later
	Refused  map[string]string
}

// sendTimeout bounds one conversation; RFC 5321 has up to ten minutes for the
// answer to a message's end, which a relay that only queues does not need.
const sendTimeout = 2 * time.Minute

// errNoTLS is a relay that does not offer what it must.
var errNoTLS = errors.New("the relay does not offer STARTTLS")

// Permanent says that it is no use to send the message again.
func Permanent(err error) bool {
	var answer *textproto.Error
	return errors.Is(err, errNoTLS) || errors.As(err, &answer) && answer.Code >= 500
}

// Send hands m over for those recipients, one at least, in one conversation. An
// error means that nobody gets the message by this attempt, see Permanent; so does
// a report without Accepted.
func (r *Relay) Send(ctx context.Context, m Message, recipients []string) (Report, error) {
	m.From = r.opts.From
	text, sender, err := m.bytes()
	if err != nil {
		return Report{}, fmt.Errorf("write mail: %w", err)
	}
	c, err := r.dial(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("mail relay %s: %w", r.opts.Host, err)
	}
	defer c.Close()
	// A relay that is hung up on knows that a conversation is over.
	defer context.AfterFunc(ctx, func() { c.Close() })()
	report, err := converse(c, sender, recipients, text)
	if err != nil {
		return Report{}, fmt.Errorf("mail relay %s: %w", r.opts.Host, err)
	}
	return report, nil
}

// dial connects and logs in.
func (r *Relay) dial(ctx context.Context) (*smtp.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(r.opts.Host, strconv.Itoa(r.opts.Port)))
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	c, err := smtp.NewClient(conn, r.opts.Host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if err := r.greet(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (r *Relay) greet(c *smtp.Client) error {
	if err := c.Hello(r.name); err != nil {
		return err
	}
	if r.opts.StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errNoTLS
		}
		conf := r.opts.TLS.Clone()
		conf.ServerName = r.opts.Host
		if err := c.StartTLS(conf); err != nil {
			return err
		}
	}
	if r.opts.User == "" {
		return nil
	}
	return c.Auth(smtp.PlainAuth("", r.opts.User, r.opts.Password, r.opts.Host))
}

// converse gives the relay one message.
func converse(c *smtp.Client, sender string, recipients []string, text []byte) (Report, error) {
	report := Report{Deferred: map[string]string{}, Refused: map[string]string{}}
	if err := c.Mail(sender); err != nil {
		return report, err
	}
	for _, to := range recipients {
		err := c.Rcpt(to)
		var answer *textproto.Error
		switch {
		case err == nil:
			report.Accepted = append(report.Accepted, to)
		case !errors.As(err, &answer):
			return report, err
		case answer.Code >= 500:
			report.Refused[to] = answer.Error()
		default:
			report.Deferred[to] = answer.Error()
		}
	}
	if len(report.Accepted) == 0 {
		return report, c.Quit()
	}
	w, err := c.Data()
	if err != nil {
		return report, err
	}
	if _, err := w.Write(text); err != nil {
		return report, err
	}
	if err := w.Close(); err != nil {
		return report, err
	}
	_ = c.Quit() // the message is the relay's, whatever it says to this
	return report, nil
}
