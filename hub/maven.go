package hub

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/xml"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/toji-build/toji/koji"
)

// pom is what a Maven POM says of its project. What it leaves out it inherits.
type pom struct {
	GroupID    string `xml:"groupId"`
	ArtifactID string `xml:"artifactId"`
	Version    string `xml:"version"`
	Parent     struct {
		GroupID string `xml:"groupId"`
		Version string `xml:"version"`
	} `xml:"parent"`
}

func readPOM(name string) (*pom, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := xml.NewDecoder(f)
	d.Strict = false // they are full of entities that nobody declares
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var p pom
	if err := d.Decode(&p); err != nil {
		return nil, koji.GenericErrorf("could not parse POM: %s: %w", name, err)
	}
	for _, field := range []struct {
		value     *string
		inherited string
		name      string
	}{{&p.GroupID, p.Parent.GroupID, "groupId"}, {&p.ArtifactID, "", "artifactId"}, {&p.Version, p.Parent.Version, "version"}} {
		if *field.value == "" {
			*field.value = field.inherited
		}
		if *field.value = strings.TrimSpace(*field.value); *field.value == "" {
			return nil, koji.GenericErrorf("could not extract %s from POM: %s", field.name, name)
		}
	}
	return &p, nil
}

// checkPOM checks that a POM is about the archive's coordinates.
func (a *newArchive) checkPOM(f *filing) error {
	name, err := f.source(a.rel, "")
	if err != nil {
		return err
	}
	p, err := readPOM(name)
	if err != nil {
		return err
	}
	label := a.GroupID + "-" + a.ArtifactID + "-" + a.Version
	if got := p.GroupID + "-" + p.ArtifactID + "-" + p.Version; got != label {
		return koji.BuildErrorf("Maven info from .pom file (%s) does not match user-supplied typeInfo (%s)", got, label)
	}
	if a.Filename != a.ArtifactID+"-"+a.Version+".pom" {
		return koji.BuildErrorf("Maven info (%s) is not consistent with pom filename (%s)", label, a.Filename)
	}
	return nil
}

// writeMavenSums writes the checksums of a file of a Maven repository beside it.
func writeMavenSums(name string) error {
	for ext, sum := range map[string]hash.Hash{".md5": md5.New(), ".sha1": sha1.New()} {
		if strings.HasSuffix(name, ext) {
			return nil
		}
		_, digest, err := sumFile(name, sum)
		if err != nil {
			return err
		}
		if err := writeFile(name+ext, strings.NewReader(digest)); err != nil {
			return err
		}
	}
	return nil
}
