package password

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	hash, err := Hash("labadmin")
	require.NoError(t, err)
	require.NotContains(t, hash, "labadmin")
	for _, c := range []struct {
		name, stored, given string
		want                bool
	}{
		{"hashed", hash, "labadmin", true},
		{"hashed, wrong", hash, "labuser", false},
		{"the hash itself", hash, hash, false},
		{"plain", "labadmin", "labadmin", true},
		{"plain, wrong", "labadmin", "labadmi", false},
		{"nothing given", "labadmin", "", false},
		{"nothing stored", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Check(c.stored, c.given)) })
	}
	_, err = Hash("")
	require.Error(t, err)
}
