// Package faults kills the hub's activities. Temporal runs an activity again when
// the process that ran it died, so each must be able to run twice, and to go on
// after a kill at any moment.
//
// A scenario prepares a database and a top directory and runs one activity, in a
// process of its own: once undisturbed; once more after that; and killed before its
// first write, its second write and so on, each time on a fresh copy, and then
// again to its end. Rows, files, mails and the result have to be the same in the
// end. A write is a statement, a commit, a part of a mail, or a change of a file.
package faults
