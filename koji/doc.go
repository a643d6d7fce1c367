// Package koji holds the nouns and rules of the build system's domain: errors
// and their fault codes, states, names (NVR, NVRA), architectures, points in
// time and the layout of the top directory.
//
// It knows nothing of databases, HTTP or Temporal and imports the standard
// library alone, so that the hub, the builders and the command line can share
// it. The words are Koji's:
//
//	package   a name that may be built
//	build     one NVR of a package: name, version, release
//	tag       a named, versioned set of builds, which may inherit from other tags
//	target    a pair of tags: the one to build from, the one to put builds into
//	task      a piece of work; channel and arch decide which host may run it
//	buildroot what a build ran in, recorded package by package
package koji
