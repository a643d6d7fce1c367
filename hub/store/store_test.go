package store

import (
	"testing"

	"github.com/toji-build/toji/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
