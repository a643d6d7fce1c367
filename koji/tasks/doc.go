// Package tasks declares every task type, one file each: the name on the wire,
// who carries it, the Go types of its request and its result.
//
// Requests are stored and sent as Koji's clients write them: a list of
// positional parameters in the order of the struct's fields, then keywords.
package tasks
