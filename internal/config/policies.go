package config

import (
	"fmt"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Policies are the texts of hub policies by name, and where in a file they
// stand.
type Policies struct {
	Texts map[string]string
	At    map[string]Place // of a text's first line
}

// Place is a line of a file, from 1.
type Place struct {
	File string
	Line int
}

// Place returns where a line of a policy's text stands, as FILE:LINE; "" if that
// is not known.
func (p Policies) Place(policy string, line int) string {
	at, ok := p.At[policy]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", at.File, at.Line+line-1)
}

// Policies returns the file's policies with their places.
func (c *Config) Policies() Policies { return Policies{c.Policy, c.policyAt} }

// ParsePolicies reads the policies of a file and looks at nothing else in it.
func ParsePolicies(name string, text []byte) (Policies, error) {
	var file struct {
		Policy map[string]string `toml:"policy"`
	}
	if err := toml.Unmarshal(text, &file); err != nil {
		return Policies{}, locate(name, err)
	}
	return Policies{file.Policy, policyPlaces(name, text)}, nil
}

// policyPlaces finds where the texts of the section [policy] begin; nil if there
// are none. The text is known to be sound.
func policyPlaces(name string, text []byte) map[string]Place {
	var at map[string]Place
	p := unstable.Parser{}
	p.Reset(text)
	section := ""
	for p.NextExpression() {
		node := p.Expression()
		keys := keysOf(node)
		switch node.Kind {
		case unstable.Table:
			section = keys[0]
		case unstable.KeyValue:
			if section != "policy" || len(keys) != 1 {
				continue
			}
			raw := node.Value().Raw
			line := p.Shape(raw).Start.Line
			if opensBelow(p.Raw(raw)) {
				line++
			}
			if at == nil {
				at = map[string]Place{}
			}
			at[keys[0]] = Place{name, line}
		}
	}
	return at
}

func keysOf(node *unstable.Node) []string {
	var keys []string
	for it := node.Key(); it.Next(); {
		keys = append(keys, string(it.Node().Data))
	}
	return keys
}

// opensBelow reports whether a string of several lines begins in the line after
// its quotes.
func opensBelow(raw []byte) bool {
	return len(raw) > 3 && (raw[0] == '"' || raw[0] == '\'') && raw[1] == raw[0] && raw[2] == raw[0] &&
		(raw[3] == '\n' || raw[3] == '\r')
}
