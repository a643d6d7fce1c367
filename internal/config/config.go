// Package config reads Toji's one configuration file.
//
// The file is TOML, with a section for each role of the binary; deploy/toji.toml
// in the source tree shows every key with its default. A key that is not known
// is an error, so that a misspelt one cannot pass unnoticed. Secrets stand in
// files of their own, named by keys that end in _file.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Config is the whole file.
type Config struct {
	Hub            Hub            `toml:"hub"`
	Scheduler      Scheduler      `toml:"scheduler"`
	Repo           Repo           `toml:"repo"`
	Retention      Retention      `toml:"retention"`
	GC             GC             `toml:"gc"`
	SideTag        SideTag        `toml:"sidetag"`
	SaveFailedTree SaveFailedTree `toml:"save_failed_tree"`
	Messages       Messages       `toml:"messages"`
	Mail           Mail           `toml:"mail"`
	Database       Database       `toml:"database"`
	Temporal       Temporal       `toml:"temporal"`
	Worker         Worker         `toml:"worker"`
	Web            Web            `toml:"web"`
	Log            Log            `toml:"log"`

	// Policy holds the texts of hub policies by name. A policy that is not
	// named keeps its default, see package hub/policy.
	Policy map[string]string `toml:"policy"`

	policyAt map[string]Place
}

// Load reads the file at path, fills in defaults and secrets and validates the
// result. An empty path gives the defaults.
func Load(path string) (*Config, error) {
	if path == "" {
		return Parse("", nil)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse is Load for a text that was read already; name is for its errors.
func Parse(name string, text []byte) (*Config, error) {
	c := Default()
	dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, locate(name, err)
	}
	c.policyAt = policyPlaces(name, text)
	if err := c.Database.loadSecrets(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// Default returns the configuration of an empty file.
func Default() *Config {
	return &Config{
		Hub:            defaultHub(),
		Scheduler:      defaultScheduler(),
		Repo:           defaultRepo(),
		Retention:      defaultRetention(),
		GC:             defaultGC(),
		SideTag:        defaultSideTag(),
		SaveFailedTree: defaultSaveFailedTree(),
		Messages:       defaultMessages(),
		Mail:           defaultMail(),
		Database:       defaultDatabase(),
		Temporal:       defaultTemporal(),
		Worker:         defaultWorker(),
		Web:            defaultWeb(),
		Log:            Log{Level: "info", Format: "text"},
	}
}

func (c *Config) validate() error {
	return errors.Join(
		c.Hub.validate(),
		c.Scheduler.validate(),
		c.Retention.validate(),
		c.GC.validate(),
		c.SideTag.validate(),
		c.Messages.validate(),
		c.Mail.validate(c.Hub.EmailDomain),
		c.Database.validate(),
		c.Worker.validate(),
		c.Log.validate(),
	)
}

// locate puts file and line before what the TOML decoder says.
func locate(name string, err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		errs := make([]error, 0, len(strict.Errors))
		for _, e := range strict.Errors {
			row, _ := e.Position()
			errs = append(errs, fmt.Errorf("%s:%d: unknown key %q", name, row, strings.Join(e.Key(), ".")))
		}
		return errors.Join(errs...)
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := e.Position()
		return fmt.Errorf("%s:%d: %s", name, row, strings.TrimPrefix(e.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Duration is a time.Duration written as "90s", "15m" or "24h".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// readSecret returns the first line of the file, or value if there is no file.
func readSecret(value, path string) (string, error) {
	if path == "" {
		return value, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), nil
}
