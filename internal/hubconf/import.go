package hubconf

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/internal/config"
)

// Imported is Toji's configuration, made from Koji's.
type Imported struct {
	TOML  string // without secrets
	Notes []Note // what has no meaning, or is to be seen to
}

// Note is about an option that is not simply taken over.
type Note struct {
	At     config.Place
	Option string
	Text   string
}

// String returns the note as one line.
func (n Note) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", n.At.File, n.At.Line, n.Option, n.Text)
}

// Import makes Toji's configuration from hub.conf, the files in hub.conf.d beside
// it, and those of the plugins in the directory pluginDir, which may be missing.
// A value that Koji would not understand is an error.
func Import(path, pluginDir string) (Imported, error) {
	conf, err := Load(path)
	if err != nil {
		return Imported{}, err
	}
	m := importer{sections: map[string]map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(conf["hub"])) {
		m.option(conf["hub"][name], options, name)
	}
	m.database(conf["hub"])
	m.plugins(conf["hub"]["plugins"])
	for _, name := range slices.Sorted(maps.Keys(pluginOptions)) {
		if err := m.pluginFile(filepath.Join(pluginDir, name), pluginOptions[name]); err != nil {
			return Imported{}, err
		}
	}
	for _, section := range slices.Sorted(maps.Keys(conf)) {
		if section == "hub" || section == "policy" {
			continue
		}
		for _, o := range conf[section] {
			m.note(o, "there is no section [%s] in a hub.conf", section)
			break
		}
	}
	for name, text := range conf.Policies().Texts {
		m.set("policy", name, policyText(text))
	}
	if err := errors.Join(m.errs...); err != nil {
		return Imported{}, err
	}
	return Imported{m.toml(path), m.notes}, nil
}

type importer struct {
	sections map[string]map[string]string // TOML values by section and key
	notes    []Note
	errs     []error
}

func (m *importer) note(o Option, format string, args ...any) {
	m.notes = append(m.notes, Note{o.At, o.Name, fmt.Sprintf(format, args...)})
}

func (m *importer) set(section, key, value string) {
	if m.sections[section] == nil {
		m.sections[section] = map[string]string{}
	}
	m.sections[section][key] = value
}

// option takes over one option by a table of targets.
func (m *importer) option(o Option, table map[string]target, name string) {
	t, known := table[name]
	switch {
	case !known:
		m.note(o, "Koji knows no such option")
		return
	case t.key == "" && t.why != "":
		m.note(o, "has no meaning for Toji: %s", t.why)
		return
	case t.key == "":
		return
	}
	value, err := t.form.toml(o.Value)
	if err != nil {
		m.errs = append(m.errs, fmt.Errorf("%s:%d: %s: %w", o.At.File, o.At.Line, o.Name, err))
		return
	}
	section, key, _ := strings.Cut(t.key, ".")
	m.set(section, key, value)
}

// database makes a DSN, without the password.
func (m *importer) database(hub map[string]Option) {
	const seeTo = "is not taken over: put the whole DSN into a file that only the hub can read, and name it in database.dsn_file"
	if o, ok := hub["dbconnectionstring"]; ok {
		if strings.Contains(o.Value, "password") || strings.Contains(o.Value, "://") && strings.Contains(o.Value, "@") {
			m.note(o, "may hold a password and %s", seeTo)
			return
		}
		m.set("database", "dsn", quote(o.Value))
		return
	}
	var parts []string
	for _, p := range [][2]string{{"dbhost", "host"}, {"dbport", "port"}, {"dbname", "dbname"}, {"dbuser", "user"}} {
		if v := hub[p[0]].Value; v != "" {
			parts = append(parts, p[1]+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v)+"'")
		}
	}
	if len(parts) > 0 {
		m.set("database", "dsn", quote(strings.Join(parts, " ")))
	}
	if o, ok := hub["dbpass"]; ok {
		m.note(o, "the password %s", seeTo)
	}
}

func (m *importer) plugins(o Option) {
	for name := range strings.FieldsSeq(o.Value) {
		if name == "protonmsg" {
			m.set("messages", "enabled", "true")
		}
		if known, ok := plugins[name]; ok {
			m.note(o, "plugin %s: %s", name, known)
			continue
		}
		m.note(o, "plugin %s: Toji has nothing in its place", name)
	}
}

func (m *importer) pluginFile(path string, table map[string]map[string]target) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	conf, err := Parse(path, string(content))
	if err != nil {
		return err
	}
	for _, section := range slices.Sorted(maps.Keys(conf)) {
		for _, name := range slices.Sorted(maps.Keys(conf[section])) {
			m.option(conf[section][name], table[section], name)
		}
	}
	return nil
}

func (m *importer) toml(from string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# From Koji's %s. Keys that are not here have their defaults.\n", from)
	for _, section := range slices.Sorted(maps.Keys(m.sections)) {
		fmt.Fprintf(&b, "\n[%s]\n", section)
		for _, key := range slices.Sorted(maps.Keys(m.sections[section])) {
			fmt.Fprintf(&b, "%s = %s\n", bare(key), m.sections[section][key])
		}
	}
	return b.String()
}

// toml returns a value as TOML writes it.
func (f form) toml(value string) (string, error) {
	switch f {
	case boolean:
		switch strings.ToLower(value) {
		case "1", "yes", "true", "on":
			return "true", nil
		case "0", "no", "false", "off":
			return "false", nil
		}
		return "", fmt.Errorf("%q is neither yes nor no", value)
	case number:
		n, err := strconv.Atoi(value)
		if err != nil {
			return "", fmt.Errorf("%q is not a number", value)
		}
		return strconv.Itoa(n), nil
	case seconds, minutes, hours:
		n, err := strconv.Atoi(value)
		if err != nil {
			return "", fmt.Errorf("%q is not a number", value)
		}
		return quote(strconv.Itoa(n) + map[form]string{seconds: "s", minutes: "m", hours: "h"}[f]), nil
	case words:
		return list(strings.Fields(value)), nil
	case commas:
		return list(split(value, ",")), nil
	case bars:
		return list(split(value, "|")), nil
	case level:
		return quote(logLevel(value)), nil
	}
	return quote(value), nil
}

// logLevel reads the level of the root logger, which may stand among those of
// others: "koji.db:DEBUG WARNING".
func logLevel(value string) string {
	name := "WARNING"
	for word := range strings.FieldsSeq(value) {
		if !strings.Contains(word, ":") {
			name = strings.ToUpper(word)
		}
	}
	switch name {
	case "DEBUG":
		return "debug"
	case "INFO":
		return "info"
	case "ERROR", "CRITICAL":
		return "error"
	}
	return "warn"
}

func split(value, sep string) []string {
	var items []string
	for item := range strings.SplitSeq(value, sep) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func list(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a string as TOML does: literally if it can be.
func quote(s string) string {
	if !strings.ContainsAny(s, "'\n\r\t") {
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

// policyText writes a policy over several lines.
func policyText(text string) string {
	text = strings.Trim(text, "\n")
	if strings.Contains(text, "'''") {
		return quote(text)
	}
	return "'''\n" + text + "\n'''"
}

// bare writes a key, in quotes if it has to be.
func bare(key string) string {
	if strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" && key != "" {
		return key
	}
	return quote(key)
}
