// Package differential asks a real Koji hub and Toji's the same questions, over
// the same database, and compares whole answers.
//
//	              ┌── Koji's hub (Apache, mod_wsgi) ──┐
//	test ── call ─┤                                   ├── one PostgreSQL, one topdir
//	              └── Toji's hub (in this process) ───┘
//
// Calls are generated from the declarations in koji/api: every reading method,
// with each value that its parameters may sensibly have in this database, with
// wrong ones, and with queryOpts over the columns that the answers have.
//
// There can be no Koji hub in CI, so the tests run where these variables name
// one, and are skipped elsewhere:
//
//	TOJI_PEER_URL    where Koji's hub answers, such as http://127.0.0.1:8000/kojihub
//	TOJI_PEER_DSN    its database: Koji's tables with testdata/world.sql in them,
//	                 and Toji's own (toji db adopt)
//	TOJI_PEER_TOPDIR its KojiDir, writable for the test, which puts a few files there
//
// The peer has MaxRequestLength and everything else at their defaults, but for
// EnableMaven and EnableWin, which are on, and the plugins sidetag, runroot and
// save_failed_tree. With the big database of the benchmarks behind it the reading
// calls take about ten minutes.
//
// Writing calls need a second hub of Koji's, which has one process and the
// notifications off, and databases that they may drop:
//
//	TOJI_PEER_WRITE_URL    where it answers, from the database w_koji
//	TOJI_PEER_WRITE_TOPDIR its KojiDir, which the tests empty
//	TOJI_PEER_ADMIN_DSN    any database of that cluster; koji_world there holds Koji's
//	                       tables and world.sql, and is copied
//
// There Toji's hub has a copy of its own (TestWrites, TestHosts, TestCGImport), or
// works on the same database at the same time (TestWritesTogether).
package differential
