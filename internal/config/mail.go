package config

import (
	"errors"
	"fmt"
	"net/mail"
)

// Mail configures the relay that mail about builds and tags goes to. Koji keeps
// this in kojid.conf.
type Mail struct {
	Host         string `toml:"host"`          // the SMTP relay; empty: no mail, and no tasks that send it
	Port         int    `toml:"port"`          // its port
	FromAddr     string `toml:"from_addr"`     // the sender, such as "Koji <koji@example.org>"
	StartTLS     bool   `toml:"starttls"`      // speak TLS, and not at all without it
	User         string `toml:"user"`          // log in as; empty for no login
	PasswordFile string `toml:"password_file"` // file with the user's password
}

func defaultMail() Mail { return Mail{Port: 25} }

// Enabled says that there is a relay.
func (m *Mail) Enabled() bool { return m.Host != "" }

// Password reads the password of the relay's user.
func (m *Mail) Password() (string, error) { return readSecret("", m.PasswordFile) }

func (m *Mail) validate(emailDomain string) error {
	if !m.Enabled() {
		return nil
	}
	if _, err := mail.ParseAddress(m.FromAddr); err != nil {
		return fmt.Errorf("mail: from_addr %q: %w", m.FromAddr, err)
	}
	switch {
	case m.Port < 1 || m.Port > 65535:
		return fmt.Errorf("mail: port %d is none", m.Port)
	case emailDomain == "":
		return errors.New("mail: hub.email_domain is empty: users would have no addresses")
	case (m.User == "") != (m.PasswordFile == ""):
		return errors.New("mail: user and password_file need each other")
	case m.User != "" && !m.StartTLS && m.Host != "localhost":
		return errors.New("mail: user needs starttls: the password would go over the network as it is")
	}
	return nil
}
