// Package testenv gives tests the real services they need.
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
//	func TestTags(t *testing.T) {
//		db := testenv.Database(t) // empty but for the first rows, this test's own
//		...
//	}
//
// The first test of a process that asks for PostgreSQL starts a private cluster,
// which Main removes; with TOJI_TEST_DSN set, the server there is used instead
// (as a user who may create databases). A test whose service is missing is
// skipped, and fails where the environment variable CI is set.
package testenv

import (
	"os"
	"testing"
)

// Main runs a package's tests and then stops what they started. Call it from
// TestMain; it does not return.
func Main(m *testing.M) {
	shared.usable = true
	code := m.Run()
	shared.stop()
	os.Exit(code)
}

// Need skips the test unless ok, saying that what is missing; it fails the test
// instead where CI is set, because there everything must be.
func Need(t testing.TB, ok bool, what string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("CI") != "":
		t.Fatalf("this test needs %s, and CI must have it", what)
	default:
		t.Skipf("this test needs %s", what)
	}
}
