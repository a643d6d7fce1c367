package koji

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIsFaultFollowsTheClasses(t *testing.T) {
	for _, c := range []struct {
		err   error
		fault int
		want  bool
	}{
		{BuildErrorf("x"), FaultBuild, true},
		{PreBuildErrorf("x"), FaultBuild, true},
		{BuildErrorf("x"), FaultPreBuild, false},
		{PreBuildErrorf("x"), FaultGeneric, true},
		{Errorf(FaultCallback, "x"), FaultPlugin, true},
		{Errorf(FaultGSSAPIAuth, "x"), FaultAuth, true},
		{TagErrorf("x"), FaultAuth, false},
		{fmt.Errorf("tag it: %w", TagErrorf("x")), FaultTag, true},
		{Errorf(1, "x"), FaultGeneric, false},
		{io.EOF, FaultGeneric, false},
		{nil, FaultGeneric, false},
	} {
		require.Equal(t, c.want, IsFault(c.err, c.fault), "%v is %s", c.err, FaultName(c.fault))
	}
}

func TestFaultNames(t *testing.T) {
	// The exceptions of Koji 1.35, by module koji.
	content, err := os.ReadFile("testdata/faults.json")
	require.NoError(t, err)
	var faults []struct {
		Code         int
		Name, Parent string
	}
	require.NoError(t, json.Unmarshal(content, &faults))
	require.Len(t, faultClasses, len(faults))
	for _, f := range faults {
		require.Equal(t, f.Name, FaultName(f.Code))
		if f.Parent != "Exception" {
			require.Equal(t, f.Parent, FaultName(faultClasses[f.Code].parent))
		}
	}
	require.Equal(t, "GenericError", FaultName(1000))
	require.Equal(t, "NameValidationError", FaultName(1024))
	require.Equal(t, "Fault", FaultName(1025))
	for code := FaultGeneric; code <= FaultNameValidation; code++ {
		require.True(t, isSubclass(code, FaultGeneric), "%d", code)
	}
}

func TestErrorfKeepsTheCause(t *testing.T) {
	err := GenericErrorf("read header: %w", io.ErrUnexpectedEOF)
	require.EqualError(t, err, "read header: unexpected EOF")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	both := GenericErrorf("%w and %w", io.EOF, io.ErrClosedPipe)
	require.ErrorIs(t, both, io.EOF)
	require.ErrorIs(t, both, io.ErrClosedPipe)

	require.NoError(t, errors.Unwrap(GenericErrorf("plain %d", 1)))
	require.EqualError(t, &Error{Fault: FaultGeneric, Err: io.EOF}, "EOF")
	require.EqualError(t, &Error{Msg: "seen", Err: errors.New("hidden")}, "seen")
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{nil, ""},
		{io.EOF, KindInfrastructure},
		{fmt.Errorf("wait: %w", context.Canceled), KindCanceled},
		{BuildErrorf("rpmbuild failed"), KindPackage},
		{BuildErrorf("disk full").WithKind(KindInfrastructure), KindInfrastructure},
		{fmt.Errorf("a: %w", BuildErrorf("b").WithKind(KindPolicy)), KindPolicy},
		{ActionNotAllowedf("no"), KindPolicy},
		{Errorf(FaultAuthExpired, "late"), KindPolicy},
		{ServerOfflinef("gone"), KindInfrastructure},
		{GenericErrorf("x"), KindPackage},
	} {
		require.Equal(t, c.want, KindOf(c.err), "%v", c.err)
	}
}
