package profile

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// ini is a parsed configuration: section, option, value. Option names are in
// lower case.
type ini map[string]map[string]string

// defaultSection is the section whose options all others inherit.
const defaultSection = "DEFAULT"

// read adds the content of r, the same option read later wins. The format is
// that of Python's configparser without interpolation: "[section]", "name =
// value" or "name: value", whole lines of comment after "#" or ";", and values
// that go on in indented lines. name is for messages.
func (c ini) read(r io.Reader, name string) error {
	var section map[string]string
	option := ""
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), " \t\r")
		text := strings.TrimSpace(line)
		switch {
		case text == "":
			option = ""
		case text[0] == '#' || text[0] == ';':
		case option != "" && (line[0] == ' ' || line[0] == '\t'):
			section[option] = strings.TrimPrefix(section[option]+"\n"+text, "\n")
		case text[0] == '[' && strings.HasSuffix(text, "]"):
			section, option = c.section(text[1:len(text)-1]), ""
		default:
			i := strings.IndexAny(text, "=:")
			if i <= 0 || section == nil {
				return fmt.Errorf("%s:%d: neither a section nor an option: %q", name, n, text)
			}
			option = strings.ToLower(strings.TrimSpace(text[:i]))
			section[option] = strings.TrimSpace(text[i+1:])
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// section returns the named section, making it if need be.
func (c ini) section(name string) map[string]string {
	if c[name] == nil {
		c[name] = make(map[string]string)
	}
	return c[name]
}

// lookup returns the value of an option, which may come from [DEFAULT].
func (c ini) lookup(section, option string) (string, bool) {
	if v, ok := c[section][option]; ok {
		return v, true
	}
	v, ok := c[defaultSection][option]
	return v, ok
}
