package spectemplate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/spectemplate"
)

var project = map[string]any{
	"name": "org.example-lib", "version": "1.0", "release": "3", "epoch": nil,
	"artifacts":     map[string]any{".jar": []any{"lib-1.0.jar", "lib-1.0-sources.jar"}, ".pom": []any{"lib-1.0.pom"}},
	"all_artifacts": []any{"lib-1.0.jar", "lib-1.0-sources.jar", "lib-1.0.pom"},
	"maven_info":    map[string]any{"group_id": "org.example", "artifact_id": "lib", "version": "1.0"},
}

// TestRender has the texts that Cheetah 3.3 makes of the same.
func TestRender(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Name: lib\n%{buildroot} 100% # comment\n#!/bin/sh\n", "Name: lib\n%{buildroot} 100% # comment\n#!/bin/sh\n"},
		{"names", "$name ${version}-$release. $maven_info.group_id. [$epoch] $$ $1 ${ version }", "org.example-lib 1.0-3. org.example. [] $$ $1 1.0"},
		{"escapes", `\$name \#if \\$version`, `$name #if \$version`},
		{"index", "$artifacts['.jar'][0] ${artifacts['.jar'][-1]} $all_artifacts[1:]", "lib-1.0.jar lib-1.0-sources.jar ['lib-1.0-sources.jar', 'lib-1.0.pom']"},
		{"methods", "${version.replace('.', '_')} ${name.split('-')[1].upper()} ${', '.join($artifacts.keys())}", "1_0 LIB .jar, .pom"},
		{"loop", "#set $n = 0\n#for $f in $all_artifacts\nSource$n: $f\n#set $n += 1\n#end for\nEnd\n",
			"Source0: lib-1.0.jar\nSource1: lib-1.0-sources.jar\nSource2: lib-1.0.pom\nEnd\n"},
		{"pairs", "#for $i, $f in enumerate($all_artifacts)\n$i=$f\n#end for", "0=lib-1.0.jar\n1=lib-1.0-sources.jar\n2=lib-1.0.pom\n"},
		{"indented", "a\n  #for $x in [1, 2]\n  $x\n  #end for\nb\n", "a\n  1\n  2\nb\n"},
		{"inline", "(#for $x in [1, 2]#<$x>#end for#)", "(<1><2>)"},
		{"if", "#if '.war' in $artifacts\nwar\n#elif $release == '3' and not $epoch\nthree\n#else\nnone\n#end if\n", "three\n"},
		{"else if", "#if False\na\n#else if $version < '0'\nb\n#else\nc\n#end if\nd\n", "c\nd\n"},
		{"unless", "#unless $epoch\nno epoch\n#end unless\n", "no epoch\n"},
		{"nested", "#for $e in sorted($artifacts)\n#if len($artifacts[$e]) > 1\n$e: $artifacts[$e][0]\n#end if\n#end for\n", ".jar: lib-1.0.jar\n"},
		{"numbers", "${1 + 2 * 3 - 4} ${-$len($name)} ${int('4') + 1} ${'a' + str(2)}", "3 -15 5 a2"},
		{"operators", "${None or 'x'} ${'' and 1}| ${'a' not in 'b'} ${1 <= 2} ${(1 + 2) * 2} $artifacts.get('.zip', 'none')", "x | True True 6 none"},
		{"comments", "a ## gone\n## all gone\n#* and\nthis *#b\n", "a \nb\n"},
		{"raw", "#raw\n$name #if\n#end raw\n", "$name #if\n"},
		{"slurp", "a#slurp\nb", "ab"},
		{"echo and silent", "#echo 1 + 1\n#silent 1\n", "2"},
		{"loop variables stay", "#for $x in [1, 2]\n$x,#slurp\n#end for\n$x", "1,2,2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := spectemplate.Render(c.in, project)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestRenderFails(t *testing.T) {
	for in, want := range map[string]string{
		"a\n$nothing\n":                  "line 2: cannot find 'nothing'",
		"$maven_info.nothing":            "line 1: cannot find 'nothing'",
		"\n#import os\n":                 "line 2: the directive #import is not supported",
		"#for $x in $version\n#end for":  "line 1: '1.0' is no list",
		"#for $x in [1]\n$x":             "line 2: #end for is missing",
		"#end if":                        "line 1: #end if does not belong here",
		"#if $version then 1 else 2":     `line 1: cannot make sense of "then 1 else 2"`,
		"${version":                      `line 1: "}" is missing`,
		"${open('/etc/shadow').read()}":  "line 1: there is no function open()",
		"${version.__class__}":           "line 1: cannot find '__class__' in str",
		"$artifacts['.jar'][2]":          "line 1: there are only 2",
		"${1 + 'a'}":                     "line 1: 'a' is no whole number",
		"#for $a, $b in [[1]]\n#end for": "line 1: #for wants 2 values at a time, got 1",
		"${" + strings.Repeat("(", 1e5):  "line 1: it is nested too deep",
		"${" + strings.Repeat("-", 1e5):  "line 1: it is nested too deep",
		"#set $x = 'aaaaaaaa'\n#for $i in range(30)\n#set $x += $x\n#end for":                             "line 3: the result is too large",
		"#for $a in range(300)\n#for $b in range(300)\n#end for\n#end for":                                "the loops do not end",
		"#set $x = 'aaaaaaaa'\n#for $i in range(20)\n#set $x = $x.replace('a', 'aa')\n#end for\n$x.x\n$x": "line 3: the result is too large",
	} {
		_, err := spectemplate.Render(in, project)
		require.ErrorContains(t, err, want, in[:min(len(in), 60)])
	}
}

// FuzzRender looks for templates that crash the daemon.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{"#for $i, $f in enumerate($all_artifacts)\n$i=$f\n#end for", "#if '.war' in $artifacts\nwar\n#else if 1\n#end if",
		"#set $n = 0\n#set $n += 1\n${n * -2}", "${', '.join($artifacts.keys()[1:])}", "#raw\n#end raw\n#* *###"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		if out, err := spectemplate.Render(template, project); err == nil {
			require.LessOrEqual(t, len(out), 1<<20)
		}
	})
}
