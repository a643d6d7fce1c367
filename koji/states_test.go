package koji

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The numbers are in every database and every client.
func TestStatesHaveKojisNumbers(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"0 FREE": TaskFree, "1 OPEN": TaskOpen, "2 CLOSED": TaskClosed,
		"3 CANCELED": TaskCanceled, "4 ASSIGNED": TaskAssigned, "5 FAILED": TaskFailed, "9 9": TaskState(9),
		"0 BUILDING": BuildBuilding, "1 COMPLETE": BuildComplete, "4 CANCELED": BuildCanceled,
		"3 DELETED": RepoDeleted, "4 PROBLEM": RepoProblem,
		"2 BUILDING": BuildrootBuilding, "1 EXTERNAL": BuildrootExternal,
		"2 GROUP": UserGroup, "1 BLOCKED": UserBlocked, "3 GSSAPI": AuthGSSAPI,
		"2 sha256": ChecksumSHA256, "3 DRAFT_PROMOTION": TagUpdateDraftPromotion,
	} {
		require.Equal(t, want, fmt.Sprintf("%d %s", got, got))
	}
}

func TestParseStates(t *testing.T) {
	s, ok := ParseBuildState("COMPLETE")
	require.True(t, ok)
	require.Equal(t, BuildComplete, s)
	_, ok = ParseBuildState("FREE")
	require.False(t, ok)
	require.True(t, TaskFailed.Finished())
	require.False(t, TaskAssigned.Finished())
}
