package store

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

func TestTagGroups(t *testing.T) {
	b := newBench(t)
	b.tags("child", "parent")
	b.inherit(1, api.InheritanceRule{ParentID: 2})
	b.change(func(ctx context.Context) error {
		for _, name := range []string{"build", "srpm-build", "gone"} {
			row, err := b.AddName(ctx, Groups, name)
			if err != nil {
				return err
			}
			if err := b.Create(ctx, GroupConfigs, Row{"tag_id": 2, "group_id": row.ID, "display_name": name}); err != nil {
				return err
			}
		}
		for _, entry := range []struct {
			table string
			row   Row
		}{
			{GroupPackages, Row{"tag_id": 2, "group_id": 1, "package": "bash", "type": "mandatory"}},
			{GroupPackages, Row{"tag_id": 2, "group_id": 1, "package": "gcc", "type": "mandatory"}},
			{GroupPackages, Row{"tag_id": 1, "group_id": 1, "package": "gcc", "type": "default", "blocked": true}},
			{GroupPackages, Row{"tag_id": 2, "group_id": 3, "package": "old", "type": "mandatory"}},
			{GroupConfigs, Row{"tag_id": 1, "group_id": 3, "display_name": "gone", "blocked": true}},
			{GroupRequires, Row{"tag_id": 2, "group_id": 1, "req_id": 2}},
			{GroupRequires, Row{"tag_id": 2, "group_id": 1, "req_id": 3}},
		} {
			if err := b.Create(ctx, entry.table, entry.row); err != nil {
				return err
			}
		}
		return nil
	})

	groups, err := b.TagGroups(b.ctx, 1, GroupOptions{Inherit: true})
	require.NoError(t, err)
	require.Len(t, groups, 2, "a blocked group is left out")
	require.Equal(t, "build", groups[0].Name)
	require.Len(t, *groups[0].Packages, 1, "and a blocked package")
	require.Equal(t, "bash", (*groups[0].Packages)[0].Package)
	require.Len(t, *groups[0].Requires, 1, "and what is needed of a blocked group")
	require.Equal(t, "srpm-build", (*groups[0].Requires)[0].Name)

	groups, err = b.TagGroups(b.ctx, 1, GroupOptions{Inherit: true, Blocked: true, NoRequires: true})
	require.NoError(t, err)
	require.Len(t, groups, 3)
	require.Len(t, *groups[1].Packages, 2, "blocked entries are wanted")
	require.Nil(t, groups[1].Requires)
	require.Empty(t, *groups[0].Packages, "a blocked group has no packages")

	groups, err = b.TagGroups(b.ctx, 1, GroupOptions{})
	require.NoError(t, err)
	require.Empty(t, groups, "the tag itself has but a block")

	blocked, err := b.GroupBlocked(b.ctx, GroupPackages, Row{"tag_id": 1, "group_id": 1, "package": "gcc"})
	require.NoError(t, err)
	require.True(t, *blocked)
	blocked, err = b.GroupBlocked(b.ctx, GroupRequires, Row{"tag_id": 1, "group_id": 1, "req_id": 2})
	require.NoError(t, err)
	require.Nil(t, blocked)
}

func TestExternalRepos(t *testing.T) {
	b := newBench(t)
	b.tags("child", "parent")
	b.inherit(1, api.InheritanceRule{ParentID: 2})
	added := b.change(func(ctx context.Context) error {
		for i, name := range []string{"x", "y", "z"} {
			row, err := b.AddName(ctx, ExternalRepos, name)
			if err != nil {
				return err
			}
			if err := b.CreateExternalRepo(ctx, row.ID, "http://example.com/"+name+"/"); err != nil {
				return err
			}
			err = b.AddTagExternalRepo(ctx, api.TagExternalRepo{TagID: 2, ExternalRepoID: row.ID, Priority: int64(10 - i), MergeMode: "koji"})
			if err != nil {
				return err
			}
		}
		return b.AddTagExternalRepo(ctx, api.TagExternalRepo{TagID: 1, ExternalRepoID: 2, Priority: 90, MergeMode: "bare"})
	})
	names := func(event *int64) (names []string) {
		repos, err := b.ExternalRepos(b.ctx, 1, event)
		require.NoError(t, err)
		for _, r := range repos {
			names = append(names, r.TagName+"/"+r.ExternalRepoName)
		}
		return names
	}
	require.Equal(t, []string{"child/y", "parent/z", "parent/x"}, names(nil))
	b.change(func(ctx context.Context) error { return b.DeleteExternalRepo(ctx, 2) })
	require.Equal(t, []string{"parent/z", "parent/x"}, names(nil))
	require.Equal(t, []string{"child/y", "parent/z", "parent/x"}, names(&added))
	require.Empty(t, names(new(added-1)))
}
