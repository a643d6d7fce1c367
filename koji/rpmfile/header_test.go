package rpmfile

import (
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

const (
	binaryRPM = "testdata/foo-1.0-1.x86_64.rpm"
	sourceRPM = "testdata/bar-2.0-3.src.rpm"
	signedRPM = "testdata/foo-1.0-1.x86_64.signed.rpm"
)

func open(t *testing.T, path string) *Header {
	t.Helper()
	h, err := Open(path)
	require.NoError(t, err)
	return h
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// The values are those that Koji's getRPMHeaders returns for this file.
func TestTagsAreThoseOfRPMsBindings(t *testing.T) {
	want := map[string]any{
		"ARCH": "x86_64", "ARCHIVESIZE": int64(268), "BASENAMES": []string{"data"},
		"BUILDHOST": "lab.example.com", "BUILDTIME": int64(1700000000),
		"CHANGELOGNAME": []string{"Lab User <lab@example.com> - 1.0-1"},
		"CHANGELOGTEXT": []string{"- fixture build"}, "CHANGELOGTIME": []int64{1699963200},
		"CLASSDICT": []string{"ASCII text"}, "COOKIE": "lab.example.com 1700000000",
		"DESCRIPTION": "Lab fixture package foo.", "DIRINDEXES": []int64{0}, "DIRNAMES": []string{"/usr/share/foo/"},
		"ENCODING": "utf-8", "FILECLASS": []string{"ASCII text"}, "FILECOLORS": []int64{0},
		"FILEDEVICES": []int64{1}, "FILEDIGESTALGO": int64(8), "FILEFLAGS": []int64{0},
		"FILEGROUPNAME": []string{"root"}, "FILEINODES": []int64{1}, "FILELANGS": []string{""},
		"FILELINKTOS": []string{""},
		"FILEMD5S":    []string{"18ea751ce222f26f0663f06591b09b7d8ee6f029c335cf273ff3943f1a49ad67"},
		"FILEMODES":   []int64{33188}, "FILEMTIMES": []int64{1700000000}, "FILERDEVS": []int64{0},
		"FILESIZES": []int64{10}, "FILEUSERNAME": []string{"root"}, "FILEVERIFYFLAGS": []int64{4294967295},
		"GROUP": "Unspecified", "HEADERI18NTABLE": []string{"C"}, "LICENSE": "MIT", "NAME": "foo",
		"OPTFLAGS": "-O2 -g", "OS": "linux", "PAYLOADCOMPRESSOR": "gzip",
		"PAYLOADDIGEST":     []string{"96925bd3f1b2a0b17f7cee59417bd37ca45faf7259bf77dd48aea47e7aff79c0"},
		"PAYLOADDIGESTALGO": int64(8),
		"PAYLOADDIGESTALT":  []string{"9cbbb3908c314698cd489944bcfe82814febef29a461337c84418192a49379fb"},
		"PAYLOADFLAGS":      "6", "PAYLOADFORMAT": "cpio", "PLATFORM": "x86_64-debian-linux",
		"PROVIDEFLAGS": []int64{8, 8}, "PROVIDES": []string{"foo", "foo(x86-64)"},
		"PROVIDEVERSION": []string{"1.0-1", "1.0-1"}, "RELEASE": "1",
		"REQUIREFLAGS": []int64{16777226, 16777226, 16777226},
		"REQUIRES": []string{"rpmlib(CompressedFileNames)", "rpmlib(FileDigests)",
			"rpmlib(PayloadFilesHavePrefix)"},
		"REQUIREVERSION": []string{"3.0.4-1", "4.6.0-1", "4.0-1"}, "RPMVERSION": "4.18.0",
		"SHA1HEADER":   "933039092f02a282ede7a0fea577deea4290ef73",
		"SHA256HEADER": "4620e9cfe06083f9cebc677a4de0d5bd74b4b10171fc7435780b6a37a31cb4eb",
		"SIGMD5":       unhex(t, "16bdb1efbc1cd02a61612aadd84a1ab0"), "SIGSIZE": int64(1764), "SIZE": int64(10),
		"SOURCERPM": "foo-1.0-1.src.rpm", "SUMMARY": "Lab fixture foo", "VERSION": "1.0",
	}
	h := open(t, binaryRPM)
	got := make(map[string]any)
	for _, name := range h.Tags() {
		v, ok := h.Get(name)
		require.True(t, ok, name)
		got[name] = v
	}
	require.Len(t, got["SOURCEPKGID"], 16)
	delete(got, "SOURCEPKGID")
	require.Equal(t, want, got)
	require.Equal(t, []string{"HEADERI18NTABLE", "SIGSIZE", "SIGMD5", "SHA1HEADER", "SHA256HEADER", "NAME"},
		h.Tags()[:6], "in RPM's order")
}

func TestGet(t *testing.T) {
	h := open(t, binaryRPM)
	src := open(t, sourceRPM)
	for _, c := range []struct {
		h    *Header
		name string
		want any
	}{
		{h, "name", "foo"}, {h, "Version", "1.0"},
		{h, "providename", []string{"foo", "foo(x86-64)"}}, {h, "filedigests", h.Strings("FILEMD5S")},
		{h, "epoch", nil}, {h, "exclusivearch", []string{}}, {h, "nosource", []string{}}, {h, "vcs", nil},
		{h, "siggpg", nil}, {h, "suggestname", []string{}},
		{h, "epochnum", int64(0)}, {h, "evr", "1.0-1"}, {h, "nevra", "foo-1.0-1.x86_64"},
		{h, "archsuffix", ".x86_64"}, {h, "longsize", int64(10)}, {h, "longfilesizes", []int64{10}},
		{h, "filenames", []string{"/usr/share/foo/data"}}, {h, "filenlinks", []int64{1}},
		{h, "providenevrs", []string{"foo = 1.0-1", "foo(x86-64) = 1.0-1"}}, {h, "conflictnevrs", []string{}},
		{src, "epoch", int64(2)}, {src, "evr", "2:2.0-3"}, {src, "nevr", "bar-2:2.0-3"},
		{src, "nvra", "bar-2.0-3.noarch"}, {src, "archsuffix", ".src"}, {src, "sourcepackage", int64(1)},
		{src, "buildarchs", []string{"noarch"}}, {src, "sourcerpm", nil},
	} {
		got, ok := c.h.Get(c.name)
		require.True(t, ok, c.name)
		require.Equal(t, c.want, got, c.name)
	}
	for _, name := range []string{"nonsense", "", "fooNEVRS"} {
		_, ok := h.Get(name)
		require.False(t, ok, name)
	}
}

func TestHeader(t *testing.T) {
	h := open(t, binaryRPM)
	require.False(t, h.Source())
	require.Nil(t, h.Epoch())
	require.Equal(t, "foo-1.0-1.x86_64.rpm", h.NVRA().Filename())
	require.Equal(t, int64(1700000000), h.BuildTime())
	require.Equal(t, "16bdb1efbc1cd02a61612aadd84a1ab0", h.PayloadHash())
	require.Equal(t, int64(6268), h.FileSize)
	require.Equal(t, "sha256", h.FileDigestAlgorithm())
	require.Equal(t, []Dep{{"foo", "1.0-1", koji.SenseEqual}, {"foo(x86-64)", "1.0-1", koji.SenseEqual}},
		h.Deps(koji.DepProvide))
	require.Empty(t, h.Deps(koji.DepConflict))
	require.Equal(t, []Change{{1699963200, "Lab User <lab@example.com> - 1.0-1", "- fixture build"}}, h.Changelog())
	files := h.Files()
	require.Len(t, files, 1)
	require.Equal(t, "/usr/share/foo/data", files[0].Name)
	require.Equal(t, int64(0o100644), files[0].Mode)

	src := open(t, sourceRPM)
	require.True(t, src.Source())
	require.Equal(t, int64(2), *src.Epoch())
	require.Equal(t, "bar-2.0-3.src", src.NVRA().String())
	require.Equal(t, "2", src.NVRA().Epoch)
	require.Equal(t, []string{"bar.spec"}, src.Strings("FILENAMES"))
}

func TestReadStopsAtThePayload(t *testing.T) {
	raw, err := os.ReadFile(binaryRPM)
	require.NoError(t, err)
	r := bytes.NewReader(raw)
	_, err = Read(r)
	require.NoError(t, err)
	magic := make([]byte, 2)
	_, err = io.ReadFull(r, magic)
	require.NoError(t, err)
	require.Equal(t, []byte{0x1f, 0x8b}, magic, "the payload is gzip")
}

func TestReadErrors(t *testing.T) {
	raw, err := os.ReadFile(binaryRPM)
	require.NoError(t, err)
	spoil := func(at int, b byte) []byte {
		c := bytes.Clone(raw)
		c[at] = b
		return c
	}
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"empty":           {nil, ErrNotRPM},
		"text":            {[]byte("hello, world"), ErrNotRPM},
		"no signature":    {spoil(96, 0), ErrNotRPM},
		"too many tags":   {spoil(96+8, 1), ErrNotRPM},
		"too much data":   {spoil(96+12, 0xff), ErrNotRPM},
		"tag out of data": {spoil(96+16+8, 0x7f), ErrNotRPM},
		"lead only":       {raw[:96], ErrTruncated},
		"half a lead":     {raw[:50], ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(c.content))
			require.ErrorIs(t, err, c.want)
		})
	}
	h := open(t, binaryRPM)
	headerEnd := len(raw) - int(h.Int("SIGSIZE")) // where the header begins
	for n := 4; n < headerEnd+100; n += 7 {
		_, err := Read(bytes.NewReader(raw[:n]))
		require.ErrorIs(t, err, ErrTruncated, "after %d bytes", n)
	}
	_, err = Open("testdata")
	require.Error(t, err)
	_, err = Open("testdata/missing.rpm")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzRead(f *testing.F) {
	for _, path := range []string{binaryRPM, sourceRPM, signedRPM} {
		raw, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for _, name := range h.Tags() {
			_, ok := h.Get(name)
			require.True(t, ok, name)
		}
		h.NoarchHash()
		h.Changelog()
		_, _ = h.SigKey() // an error is fine, a panic is not
	})
}
