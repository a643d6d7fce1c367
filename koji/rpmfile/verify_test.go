package rpmfile

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVerify(t *testing.T) {
	for _, path := range []string{binaryRPM, sourceRPM, signedRPM} {
		require.NoError(t, VerifyFile(path))
	}
	require.ErrorIs(t, VerifyFile("header_test.go"), ErrNotRPM)
}

func TestVerifyFindsEveryChange(t *testing.T) {
	raw, err := os.ReadFile(binaryRPM)
	require.NoError(t, err)
	start := len(raw) - int(open(t, binaryRPM).Int("SIGSIZE"))
	for at := start; at < len(raw); at += 13 {
		changed := bytes.Clone(raw)
		changed[at] ^= 0x20
		require.Error(t, Verify(bytes.NewReader(changed)), "byte %d", at)
	}
	changed := bytes.Clone(raw)
	changed[len(raw)-1]++
	require.ErrorIs(t, Verify(bytes.NewReader(changed)), ErrCorrupt)
	require.ErrorIs(t, Verify(bytes.NewReader(raw[:len(raw)-1])), ErrTruncated)
	require.ErrorIs(t, Verify(bytes.NewReader(append(bytes.Clone(raw), 0))), ErrCorrupt)
}

func TestVerifyWantsDigests(t *testing.T) {
	raw, err := os.ReadFile(binaryRPM)
	require.NoError(t, err)
	sig, err := ReadSignature(bytes.NewReader(raw))
	require.NoError(t, err)
	none := append(bytes.Clone(sig[:8]), make([]byte, 8)...)
	spliced, err := Splice(bytes.NewReader(raw), none)
	require.NoError(t, err)
	require.ErrorContains(t, Verify(spliced), "no digest of header and payload")
}

func TestSigKey(t *testing.T) {
	key, err := open(t, signedRPM).SigKey()
	require.NoError(t, err)
	require.Equal(t, "cdbbd9d5", key)

	key, err = open(t, binaryRPM).SigKey()
	require.NoError(t, err)
	require.Empty(t, key)
}

func TestIssuer(t *testing.T) {
	v3 := append([]byte{3, 5, 0, 1, 2, 3, 4}, unhex(t, "00112233aabbccdd1108")...)
	v4 := unhex(t, "04000108000a0910aefbd1c1cdbbd9d50000")
	fingerprint := unhex(t, "040001080017"+"1621"+"04"+"0000000000000000000000001122334455667788"+"0000")
	for name, c := range map[string]struct {
		packet []byte
		want   string
	}{
		"version 3, old header":    {append([]byte{0x88, byte(len(v3))}, v3...), "00112233aabbccdd"},
		"version 4, old header":    {append([]byte{0x89, 0, byte(len(v4))}, v4...), "aefbd1c1cdbbd9d5"},
		"version 4, open length":   {append([]byte{0x8b}, v4...), "aefbd1c1cdbbd9d5"},
		"version 4, new header":    {append([]byte{0xc2, byte(len(v4))}, v4...), "aefbd1c1cdbbd9d5"},
		"version 4, long length":   {append([]byte{0xc2, 0xff, 0, 0, 0, byte(len(v4))}, v4...), "aefbd1c1cdbbd9d5"},
		"fingerprint only":         {append([]byte{0xc2, byte(len(fingerprint))}, fingerprint...), "1122334455667788"},
		"cut off":                  {append([]byte{0xc2, byte(len(v4))}, v4[:8]...), ""},
		"subpackets out of bounds": {[]byte{0x8b, 4, 0, 1, 8, 0xff, 0xff, 1}, ""},
		"a key":                    {append([]byte{0xc6, byte(len(v4))}, v4...), ""},
		"no packet":                {[]byte{0x02, 0x00}, ""},
		"unknown version":          {append([]byte{0x8b, 9}, v4[1:]...), ""},
		"no issuer":                {[]byte{0x8b, 4, 0, 1, 8, 0, 0, 0, 0}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := issuer(c.packet)
			if c.want == "" {
				require.ErrorIs(t, err, errPacket)
				return
			}
			require.NoError(t, err)
			require.Equal(t, unhex(t, c.want), got)
		})
	}
}

func TestSpliceMakesTheSignedRPM(t *testing.T) {
	signed, err := os.ReadFile(signedRPM)
	require.NoError(t, err)
	signature, err := ReadSignature(bytes.NewReader(signed))
	require.NoError(t, err)

	parsed, err := ParseSignature(signature)
	require.NoError(t, err)
	require.Equal(t, open(t, binaryRPM).PayloadHash(), parsed.PayloadHash())
	key, err := parsed.SigKey()
	require.NoError(t, err)
	require.Equal(t, "cdbbd9d5", key)

	unsigned, err := os.Open(binaryRPM)
	require.NoError(t, err)
	defer unsigned.Close()
	r, err := Splice(unsigned, signature)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, signed, got)
	require.NoError(t, Verify(bytes.NewReader(got)))

	_, err = Splice(bytes.NewReader(signed), []byte("junk"))
	require.ErrorIs(t, err, ErrNotRPM)
	_, err = ParseSignature([]byte("junk"))
	require.ErrorIs(t, err, ErrNotRPM)
}
