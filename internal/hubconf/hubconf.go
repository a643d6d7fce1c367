// Package hubconf reads the configuration of Koji's hub: hub.conf and the files
// of hub.conf.d beside it.
//
// The format is that of Python's configparser: sections in brackets, options as
// "name = value" or "name: value" with names in any case, values that go on in
// lines which are indented deeper, and comments in lines of their own behind #
// or ;.
package hubconf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/toji-build/toji/internal/config"
)

// Option is one option as it is written.
type Option struct {
	Name  string // as it is written; looked up in lower case
	Value string // its lines, without their indentation
	At    config.Place
}

// Conf holds options by section and then by name in lower case.
type Conf map[string]map[string]Option

// Load reads hub.conf, and before it the *.conf files of the directory of the
// same name with .d, as Koji does: what hub.conf says counts more.
func Load(path string) (Conf, error) {
	all := Conf{}
	files, err := filepath.Glob(filepath.Join(path+".d", "*.conf"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, file := range append(files, path) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read hub.conf: %w", err)
		}
		conf, err := Parse(file, string(text))
		if err != nil {
			return nil, err
		}
		all.merge(conf)
	}
	return all, nil
}

func (c Conf) merge(other Conf) {
	for section, options := range other {
		for name, option := range options {
			c.set(section, name, option)
		}
	}
}

func (c Conf) set(section, name string, o Option) {
	if c[section] == nil {
		c[section] = map[string]Option{}
	}
	c[section][name] = o
}

// Policies returns the section [policy]. Names of policies are in lower case, as
// Koji reads them.
func (c Conf) Policies() config.Policies {
	p := config.Policies{Texts: map[string]string{}, At: map[string]config.Place{}}
	for name, o := range c["policy"] {
		p.Texts[name], p.At[name] = o.Value, o.At
	}
	return p
}

// Parse reads one file; name is for places and errors.
func Parse(name, text string) (Conf, error) {
	p := parser{file: name, conf: Conf{}}
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(i+1, strings.TrimSuffix(line, "\r")); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, i+1, err))
		}
	}
	p.end()
	return p.conf, errors.Join(errs...)
}

// parser holds the option that the next line may go on with.
type parser struct {
	file    string
	conf    Conf
	section string
	option  *Option
	indent  int // of the option's first line
	lines   []string
}

func (p *parser) line(n int, line string) error {
	trimmed := strings.TrimSpace(line)
	indent := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace))
	if trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
		if p.section != "policy" || indent <= p.indent || !strings.HasPrefix(trimmed, "#") {
			trimmed = "" // a policy may keep its comments
		}
		if p.option != nil {
			p.lines = append(p.lines, trimmed) // even empty: the numbers of those after it count
		}
		return nil
	}
	if p.option != nil && indent > p.indent {
		p.lines = append(p.lines, trimmed)
		return nil
	}
	p.end()
	if trimmed[0] == '[' {
		end := strings.IndexByte(trimmed, ']')
		if end < 0 {
			return fmt.Errorf("the section %q has no ]", trimmed)
		}
		p.section = trimmed[1:end]
		return nil
	}
	at := strings.IndexAny(trimmed, "=:")
	switch {
	case p.section == "":
		return fmt.Errorf("%q stands before any section", trimmed)
	case at <= 0:
		return fmt.Errorf("%q is neither a section nor an option", trimmed)
	}
	p.option = &Option{Name: strings.TrimSpace(trimmed[:at]), At: config.Place{File: p.file, Line: n}}
	p.indent, p.lines = indent, []string{strings.TrimSpace(trimmed[at+1:])}
	if _, ok := p.conf[p.section][strings.ToLower(p.option.Name)]; ok {
		return fmt.Errorf("%s is set a second time", p.option.Name)
	}
	return nil
}

// end files the option that was read last.
func (p *parser) end() {
	if p.option == nil {
		return
	}
	p.option.Value = strings.TrimRight(strings.Join(p.lines, "\n"), "\n")
	p.conf.set(p.section, strings.ToLower(p.option.Name), *p.option)
	p.option = nil
}
