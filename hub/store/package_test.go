package store

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

// lists gives tags packages, named by their tag's id: "foo", or "-foo" if
// blocked.
func (b *bench) lists(lists map[int64][]string) {
	b.t.Helper()
	for tag, names := range lists {
		for _, name := range names {
			b.change(func(ctx context.Context) error {
				name, blocked := strings.CutPrefix(name, "-")
				row, err := b.Lookup(ctx, Packages, Ref{Name: name})
				if err != nil {
					return err
				}
				if row == nil {
					if row, err = b.AddName(ctx, Packages, name); err != nil {
						return err
					}
				}
				return b.SetPackage(ctx, api.TagPackage{TagID: tag, PackageID: row.ID, Blocked: blocked, OwnerID: new(tag%2 + 1)})
			})
		}
	}
}

func packages(list []api.TagPackage) string {
	var parts []string
	for _, p := range list {
		part := fmt.Sprintf("%s/%s", p.TagName, p.PackageName)
		if p.Blocked {
			part = "-" + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func TestPackageList(t *testing.T) {
	b := newBench(t)
	b.tags("a", "b", "c")
	b.inherit(1, api.InheritanceRule{ParentID: 2}, api.InheritanceRule{ParentID: 3, Priority: 1, PkgFilter: new("k")})
	b.lists(map[int64][]string{1: {"foo", "-bar"}, 2: {"foo", "bar", "-kernel"}})
	b.lists(map[int64][]string{3: {"kernel", "kbd", "book", "baz"}})
	tag := int64(1)
	for _, c := range []struct {
		name   string
		filter PackageFilter
		want   string
	}{
		{"own", PackageFilter{TagID: &tag}, "a/foo -a/bar"},
		{"inherited, through filters", PackageFilter{TagID: &tag, Inherit: true}, "a/foo -a/bar -b/kernel c/kbd"},
		{"all entries", PackageFilter{TagID: &tag, Inherit: true, Dups: true}, "a/foo b/foo -a/bar b/bar -b/kernel c/kernel c/kbd"},
		{"as if nothing was blocked", PackageFilter{TagID: &tag, Inherit: true, NoBlocked: true}, "a/foo b/bar c/kernel c/kbd"},
		{"one owner's", PackageFilter{TagID: &tag, Inherit: true, OwnerID: new(int64(1))}, "b/foo b/bar -b/kernel"},
		{"before", PackageFilter{TagID: &tag, Inherit: true, Event: new(int64(2))}, ""},
		{"of a package", PackageFilter{PackageID: new(int64(1)), Dups: true, NoOwners: true}, "a/foo b/foo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := b.PackageList(b.ctx, c.filter)
			require.NoError(t, err)
			require.ElementsMatch(t, strings.Fields(c.want), strings.Fields(packages(list)))
			if c.filter.NoOwners {
				require.Nil(t, list[0].OwnerID)
			}
		})
	}
	entry, err := b.PackageEntry(b.ctx, 1, 99, nil)
	require.NoError(t, err)
	require.Nil(t, entry)
}

func TestFiltersKnowMoreThanGo(t *testing.T) {
	b := newBench(t)
	b.tags("a", "b")
	b.inherit(1, api.InheritanceRule{ParentID: 2, PkgFilter: new("^(?!kernel)")})
	b.lists(map[int64][]string{2: {"kernel", "kernel-rt", "not-kernel"}})
	list, err := b.PackageList(b.ctx, PackageFilter{TagID: new(int64(1)), Inherit: true})
	require.NoError(t, err)
	require.Equal(t, "b/not-kernel", packages(list))
}
