// Package wire replays conversations between the stock koji command line and a
// Koji 1.35 hub against this hub, and compares the answers.
//
// testdata/steps holds one file per command line, in the order in which they
// were run against an empty database that had two users: kojiadmin (id 1, admin)
// and labuser (id 2). The replay sends the recorded requests in that order to a
// hub in the test's process, with a database and a top directory of its own;
// session ids and keys are replaced by those that the hub gives out. Answers are
// compared as values: members of a struct in any order, and with times, keys,
// tokens and the like masked, see mask.go.
//
// All steps are replayed always, because each builds on what those before it
// left behind. What is compared can be chosen:
//
//	go test ./tests/wire                              # everything
//	go test ./tests/wire -run 'TestWire/add-tag$'     # the steps of one command
//	go test ./tests/wire -run 'TestWire/call/0109$'   # one step
//
// Steps that are known to differ stand in testdata/pending.txt, each with its
// reason. A pending step that has come to agree is an error too: take it off the
// list.
package wire
