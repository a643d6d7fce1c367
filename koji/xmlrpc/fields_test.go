package xmlrpc_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestSortedFields(t *testing.T) {
	type inner struct {
		Zebra int `rpc:"zebra"`
		Ape   int `rpc:"ape"`
	}
	type row struct {
		inner
		Mole int      `rpc:"mole"`
		_    struct{} `rpc:",sorted"`
		Bee  int      `rpc:"bee"`
	}
	var names []string
	for _, f := range xmlrpc.Fields(reflect.TypeFor[row]()) {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"ape", "mole", "zebra", "bee"}, names)
}
