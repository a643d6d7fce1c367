package scm

import (
	"slices"
	"strings"

	"github.com/toji-build/toji/koji"
)

// Allow says how sources from an allowed place are turned into a source RPM.
type Allow struct {
	// UseCommon asks for a checkout of the repository "common" beside the sources.
	UseCommon bool
	// SourceCmd is run in the checkout to fetch what is not in it; nil: nothing.
	SourceCmd []string
}

// defaultSourceCmd is what fetches sources where no rule says otherwise.
var defaultSourceCmd = []string{"make", "sources"}

// Default is how sources are taken where nothing is asked.
func Default() Allow { return Allow{UseCommon: true, SourceCmd: defaultSourceCmd} }

// Allowed looks s up in the setting allowed_scms, a list separated by blanks of
//
//	host:repository[:use_common[:source_cmd]]
//	!host:repository
//
// Host and repository are patterns as koji.Glob takes them, the first match
// decides. use_common is on unless it is no, off, false or 0; source_cmd has
// commas for blanks, and is none if it is there but empty. Entries without a
// colon are ignored. What does not match, or matches a "!" entry, is a BuildError.
func (s SCM) Allowed(list string) (Allow, error) {
	for entry := range strings.FieldsSeq(list) {
		fields := strings.Split(entry, ":")
		if len(fields) < 2 {
			continue
		}
		host, deny := strings.CutPrefix(fields[0], "!")
		if !koji.Glob(host, s.Host) || !koji.Glob(fields[1], s.Repository) {
			continue
		}
		if deny {
			break
		}
		return allowOptions(fields[2:]), nil
	}
	return Allow{}, koji.BuildErrorf("%s:%s is not in the list of allowed SCMs", s.Host, s.Repository)
}

// allowOptions reads what follows host and repository in an entry.
func allowOptions(fields []string) Allow {
	a := Allow{UseCommon: true, SourceCmd: defaultSourceCmd}
	if len(fields) > 0 {
		a.UseCommon = !slices.Contains([]string{"no", "off", "false", "0"}, strings.ToLower(fields[0]))
	}
	if len(fields) > 1 {
		a.SourceCmd = nil
		if fields[1] != "" {
			a.SourceCmd = strings.Split(fields[1], ",")
		}
	}
	return a
}

// AllowedByPolicy reads the answer of the hub's policy build_from_scm:
//
//	allow [use_common] [source_cmd ... | none]
//	deny [reason ...]
//
// Without a source_cmd that of before applies, which is the answer of Allowed or
// nil if that was not asked. A denial is a BuildError.
func (s SCM) AllowedByPolicy(answer string, before *Allow) (Allow, error) {
	words := strings.Fields(answer)
	if len(words) == 0 || !slices.Contains([]string{"yes", "true", "allow", "allowed"}, strings.ToLower(words[0])) {
		reason := "None"
		if len(words) > 1 {
			reason = strings.Join(words[1:], " ")
		}
		return Allow{}, koji.BuildErrorf("SCM: %s:%s is not allowed, reason: %s", s.Host, s.Repository, reason)
	}
	a := Allow{SourceCmd: defaultSourceCmd}
	if before != nil {
		a.SourceCmd = before.SourceCmd
	}
	cmd := words[1:]
	if len(cmd) > 0 && strings.EqualFold(cmd[0], "use_common") {
		a.UseCommon = true
		cmd = cmd[1:]
	}
	switch {
	case len(cmd) > 0 && strings.EqualFold(cmd[0], "none"):
		a.SourceCmd = nil
	case len(cmd) > 0:
		a.SourceCmd = cmd
	}
	return a, nil
}
