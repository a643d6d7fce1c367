package rpmfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/toji-build/toji/koji"
)

// NoarchHash returns a hash of the package at path that is the same for two
// builds of it that only differ in what may differ between hosts, see
// NoarchDiff.
func NoarchHash(path string) (string, error) {
	h, err := Open(path)
	if err != nil {
		return "", err
	}
	return h.NoarchHash(), nil
}

// NoarchHash is the function NoarchHash for a header that has been read. The
// value is Toji's own and comparable only to others of its kind.
func (h *Header) NoarchHash() string {
	sum := sha256.New()
	for _, fact := range h.noarchFacts() {
		fmt.Fprintf(sum, "%d:%s\n", len(fact), fact)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// NoarchDiff returns what two builds of a noarch package differ in, a line for
// each difference, "removed" for what only a has and "added" for what only b
// has.
//
// What counts is name, summary, description, group, license, URL, scripts,
// dependencies, and of the files their names, modes, owners, flags and devices.
// Size, digest, time stamps and link counts of files do not count: files may be
// generated at build time and contain dates. Nor do build host and build time.
func NoarchDiff(a, b *Header) []string {
	inA, inB := a.noarchFacts(), b.noarchFacts()
	var diff []string
	for _, fact := range inA {
		if _, found := slices.BinarySearch(inB, fact); !found {
			diff = append(diff, "removed     "+fact)
		}
	}
	for _, fact := range inB {
		if _, found := slices.BinarySearch(inA, fact); !found {
			diff = append(diff, "added       "+fact)
		}
	}
	return diff
}

// noarchTags are the tags that count besides dependencies and files.
var noarchTags = []string{
	"NAME", "SUMMARY", "DESCRIPTION", "GROUP", "LICENSE", "URL", "PREIN", "POSTIN", "PREUN", "POSTUN",
}

// noarchFacts returns what counts in a noarch package, sorted.
func (h *Header) noarchFacts() []string {
	var facts []string
	for _, name := range noarchTags {
		if text := h.Text(name); text != "" {
			facts = append(facts, name+" "+text)
		}
	}
	for _, kind := range []koji.DepType{koji.DepRequire, koji.DepProvide, koji.DepConflict, koji.DepObsolete} {
		for _, d := range h.Deps(kind) {
			facts = append(facts, fmt.Sprintf("%sS %s [%d]", depTags[kind], d, d.Flags))
		}
	}
	for _, f := range h.Files() {
		facts = append(facts, fmt.Sprintf("FILE %s mode=%o owner=%s:%s flags=%d verify=%d device=%d",
			f.Name, f.Mode, f.User, f.Group, f.Flags, f.Verify, f.RDev))
	}
	slices.Sort(facts)
	return facts
}
