package comps

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

func groups() []api.TagGroup {
	return []api.TagGroup{
		{
			Name: "srpm-build", DisplayName: "srpm", UserVisible: new(true), Description: new("a < b"), BiarchOnly: new(true),
			Packages: &[]api.GroupPackage{{Package: "make", Type: "mandatory"}, {Package: "bash", Type: "mandatory"}},
			Requires: &[]api.GroupReq{},
		},
		{
			Name: "build", DisplayName: "build",
			Packages: &[]api.GroupPackage{
				{Package: "gcc", Type: "default", BasearchOnly: new(true), Requires: new("libc")},
				{Package: "bash", Type: "mandatory"},
			},
			Requires: &[]api.GroupReq{{Name: "srpm-build", Type: new("mandatory")}, {Name: "gone", IsMetapkg: true}},
		},
	}
}

const head = header + `  <group>
    <id>build</id>
    <name>build</name>
    <description>None</description>
    <default>false</default>
    <uservisible>false</uservisible>
`

const tail = `    </packagelist>
  </group>
  <group>
    <id>srpm-build</id>
    <name>srpm</name>
    <description>a &lt; b</description>
    <default>false</default>
    <uservisible>true</uservisible>
    <biarchonly>true</biarchonly>
    <packagelist>
      <packagereq type="mandatory">bash</packagereq>
      <packagereq type="mandatory">make</packagereq>
    </packagelist>
  </group>
</comps>
`

func TestWriteExpandsWhatAGroupNeeds(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Write(&out, groups()))
	require.Equal(t, head+`    <packagelist>
      <packagereq type="mandatory">bash</packagereq>
      <packagereq type="default" basearchonly="true" requires="libc">gcc</packagereq>
      <!-- Expanding Group: srpm-build -->
      <packagereq type="mandatory">make</packagereq>
      <!-- MISSING GROUP: gone -->
`+tail, out.String())
}

func TestWriteNamesWhatAGroupNeeds(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, WriteWith(&out, groups(), Options{}))
	require.Equal(t, head+`    <grouplist>
      <metapkg>gone</metapkg>
      <groupreq type="mandatory">srpm-build</groupreq>
    </grouplist>
    <packagelist>
      <packagereq type="mandatory">bash</packagereq>
      <packagereq type="default" basearchonly="true" requires="libc">gcc</packagereq>
`+tail, out.String())
}
