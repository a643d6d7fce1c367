package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

// order writes links as "name@depth", with the depth left and filters.
func order(links []api.InheritanceLink) string {
	var parts []string
	for _, l := range links {
		part := fmt.Sprintf("%s@%d", l.Name, l.CurrDepth)
		if l.NextDepth != nil {
			part += fmt.Sprintf("<%d", *l.NextDepth)
		}
		if len(l.Filter) > 0 {
			part += "~" + strings.Join(l.Filter, ",")
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func TestInheritance(t *testing.T) {
	type rule = api.InheritanceRule
	for _, c := range []struct {
		name    string
		rules   map[int64][]rule // of tags 1 (a), 2 (b) ... by child
		want    string           // of tag a
		reverse string           // of tag e
	}{
		{"nothing", nil, "", ""},
		{
			"depth first, by priority",
			map[int64][]rule{1: {{ParentID: 3, Priority: 5}, {ParentID: 2, Priority: 1}}, 2: {{ParentID: 4}}, 3: {{ParentID: 5}}},
			"b@1 d@2 c@1 e@2", "c@1 a@2",
		},
		{
			"a tag counts once",
			map[int64][]rule{1: {{ParentID: 2}, {ParentID: 3, Priority: 1}}, 2: {{ParentID: 5}}, 3: {{ParentID: 5}}},
			"b@1 e@2 c@1", "b@1 a@2 c@1",
		},
		{
			"again if the first way was shorter",
			map[int64][]rule{1: {{ParentID: 2, MaxDepth: new(int64(2))}, {ParentID: 3, Priority: 1}}, 2: {{ParentID: 4}}, 3: {{ParentID: 4}}, 4: {{ParentID: 5}}},
			"b@1<2 d@2<1 e@3<0 c@1 d@2 e@3", "d@1 b@2 a@3 c@2",
		},
		{
			"again if the first way was filtered",
			map[int64][]rule{1: {{ParentID: 2, PkgFilter: new("^x")}, {ParentID: 4, Priority: 1}}, 2: {{ParentID: 4, PkgFilter: new("y$")}}},
			"b@1~^x d@2~^x,y$ d@1", "",
		},
		{
			"maxdepth",
			map[int64][]rule{1: {{ParentID: 2, MaxDepth: new(int64(1))}}, 2: {{ParentID: 3}}, 3: {{ParentID: 4}}, 4: {{ParentID: 5}}},
			"b@1<1 c@2<0", "d@1 c@2 b@3",
		},
		{
			"a lower maxdepth wins",
			map[int64][]rule{1: {{ParentID: 2, MaxDepth: new(int64(5))}}, 2: {{ParentID: 3, MaxDepth: new(int64(1))}}, 3: {{ParentID: 4}}},
			"b@1<5 c@2<0", "",
		},
		{
			"intransitive links count for the tag itself",
			map[int64][]rule{1: {{ParentID: 2}}, 2: {{ParentID: 3, Intransitive: true}, {ParentID: 4, Priority: 1}}, 4: {{ParentID: 5}}},
			"b@1 d@2 e@3", "d@1 b@2 a@3",
		},
		{
			"loops end",
			map[int64][]rule{1: {{ParentID: 2}}, 2: {{ParentID: 1}, {ParentID: 3, Priority: 1}}, 3: {{ParentID: 2}}},
			"b@1 c@2", "",
		},
		{
			"again if the first way was without configuration",
			map[int64][]rule{1: {{ParentID: 2, NoConfig: true}, {ParentID: 3, Priority: 1}}, 2: {{ParentID: 4, NoConfig: true}}, 3: {{ParentID: 4}}},
			"b@1 d@2 c@1", "", // Koji: noconfig of b's link sticks to c's
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.tags("a", "b", "c", "d", "e")
			for child, rules := range c.rules {
				b.inherit(child, rules...)
			}
			links, err := b.Inheritance(b.ctx, 1, nil, InheritanceOptions{})
			require.NoError(t, err)
			require.Equal(t, c.want, order(links))
			links, err = b.Inheritance(b.ctx, 5, nil, InheritanceOptions{Reverse: true})
			require.NoError(t, err)
			require.Equal(t, c.reverse, order(links))
		})
	}
}

func TestInheritanceAtAnEvent(t *testing.T) {
	b := newBench(t)
	b.tags("a", "b", "c")
	first := b.inherit(1, api.InheritanceRule{ParentID: 2})
	second := b.inherit(2, api.InheritanceRule{ParentID: 3})
	for event, want := range map[int64]string{first - 1: "", first: "b@1", second: "b@1 c@2"} {
		links, err := b.Inheritance(b.ctx, 1, &event, InheritanceOptions{})
		require.NoError(t, err)
		require.Equal(t, want, order(links), "at event %d", event)
	}
	rules, err := b.Parents(b.ctx, 1, nil)
	require.NoError(t, err)
	require.Len(t, rules, 1)
	require.Equal(t, "b", rules[0].Name)
	require.EqualValues(t, 1, *rules[0].ChildID)
}
