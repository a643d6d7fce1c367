package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SideTag configures side tags, as Koji's sidetag.conf.
type SideTag struct {
	RemoveEmpty     bool     `toml:"remove_empty"`     // with its last build a side tag goes, too
	AllowedSuffixes []string `toml:"allowed_suffixes"` // that users may ask for at the end of the name
	NameTemplate    string   `toml:"name_template"`    // with {basetag} and {tag_id}
	TriggerNewRepo  bool     `toml:"trigger_new_repo"` // ask for a repository at once
}

func defaultSideTag() SideTag {
	return SideTag{AllowedSuffixes: []string{}, NameTemplate: "{basetag}-side-{tag_id}"}
}

func (s *SideTag) validate() error {
	rest := strings.NewReplacer("{basetag}", "", "{tag_id}", "").Replace(s.NameTemplate)
	switch {
	case !strings.Contains(s.NameTemplate, "{tag_id}"):
		return errors.New("sidetag: name_template has no {tag_id}: all names would be the same")
	case strings.ContainsAny(rest, "{}"):
		return fmt.Errorf("sidetag: name_template %q has more than {basetag} and {tag_id}", s.NameTemplate)
	}
	return nil
}

// SaveFailedTree configures who may have the buildroots of failed tasks, as
// Koji's save_failed_tree.conf.
type SaveFailedTree struct {
	AllowedMethods []string `toml:"allowed_methods"` // of tasks whose buildroots may be saved; * for any
}

func defaultSaveFailedTree() SaveFailedTree {
	return SaveFailedTree{AllowedMethods: []string{"buildArch"}}
}

// Messages configures the messages about changes, as Koji's protonmsg.conf. They
// are queued in the database for a relay, see `toji messages`.
type Messages struct {
	Enabled    bool     `toml:"enabled"`
	ExtraLimit int      `toml:"extra_limit"` // bytes of a build's extra data to send; 0 for any number
	MaxAge     Duration `toml:"max_age"`     // messages that nobody took are removed after this
}

func defaultMessages() Messages { return Messages{MaxAge: Duration(24 * time.Hour)} }

func (m *Messages) validate() error {
	if m.ExtraLimit < 0 || m.MaxAge <= 0 {
		return errors.New("messages: extra_limit must not be negative, max_age must be positive")
	}
	return nil
}

// Settings returns what a hub's database connections have to be set to, so that
// the triggers send messages.
func (m *Messages) Settings() map[string]string {
	if !m.Enabled {
		return nil
	}
	settings := map[string]string{"toji.messages": "on"}
	if m.ExtraLimit > 0 {
		settings["toji.extra_limit"] = strconv.Itoa(m.ExtraLimit)
	}
	return settings
}
