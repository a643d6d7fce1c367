package config

import (
	"errors"
	"fmt"
	"strings"
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
