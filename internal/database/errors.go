package database

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/lib/pq"
)

// ErrNotFound says that a query had no row where one was wanted.
var ErrNotFound = fmt.Errorf("database: %w", sql.ErrNoRows)

// errConnLost stands for driver.ErrBadConn where database/sql must not repeat
// the statement, because it may have taken effect.
var errConnLost = errors.New("database: connection lost while a statement ran")

// errBusy is returned for a statement on a connection whose rows are unread.
var errBusy = errors.New("database: rows of this transaction are still being read; read them to the end before the next statement")

// errLongError stands for an error of the server that is too long to be read,
// because it repeats a value.
var errLongError = errors.New("database: an error that repeats a long value")

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// SQLSTATE codes, as PostgreSQL's manual lists them in its appendix A.
const (
	codeForeignKey       = "23503"
	codeUnique           = "23505"
	codeCheck            = "23514"
	codeSerialization    = "40001"
	codeDeadlock         = "40P01"
	codeAdminShutdown    = "57P01"
	codeCrashShutdown    = "57P02"
	codeCannotConnectNow = "57P03"
	codePlanChanged      = "0A000"
	codeNoStatement      = "26000"
	codeTooLarge         = "54000" // such as a text that is too long for an index

	classBadValue   = "22"
	classConstraint = "23"
)

// Code returns the SQLSTATE of a server's error, "" for any other error.
func Code(err error) string {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return string(e.Code)
	}
	return ""
}

func constraint(err error, code string) (string, bool) {
	e, ok := errors.AsType[*pq.Error](err)
	if !ok || string(e.Code) != code {
		return "", false
	}
	return e.Constraint, true
}

// IsUnique tells whether err is a violated unique constraint or primary key,
// and of which name.
func IsUnique(err error) (name string, ok bool) { return constraint(err, codeUnique) }

// IsCheck tells whether err is a violated check constraint, and of which name.
func IsCheck(err error) (name string, ok bool) { return constraint(err, codeCheck) }

// IsConstraint tells whether err is a violated constraint of any kind, and in the
// server's words what is wrong: `Key (name)=(x) already exists.`
func IsConstraint(err error) (text string, ok bool) {
	e, ok := errors.AsType[*pq.Error](err)
	switch {
	case !ok || e.Code.Class() != classConstraint:
		return "", false
	case e.Code == codeUnique || e.Code == codeForeignKey:
		return e.Detail, true
	}
	return e.Message, true // the detail would be a whole row
}

// IsBadValue tells whether err is a value that the database cannot take, such as
// a number beyond its column's range, and what it says of it.
func IsBadValue(err error) (text string, ok bool) {
	e, ok := errors.AsType[*pq.Error](err)
	switch {
	case ok && e.Code == codeTooLarge, errors.Is(err, errLongError):
		return "value is too long", true
	case err != nil && strings.Contains(err.Error(), "sql: converting argument "):
		return "value of a type that nothing has", true // a struct for a number, say
	case !ok || e.Code.Class() != classBadValue:
		return "", false
	}
	return e.Message, true
}

// IsSerialization tells whether a transaction failed for nothing but other
// transactions at the same time (serialization failure, deadlock), so that
// running it again from its start may succeed.
func IsSerialization(err error) bool {
	code := Code(err)
	return code == codeSerialization || code == codeDeadlock
}

// IsConnLost tells whether err says that the database went away or could not
// be reached: what the statement did is not known.
func IsConnLost(err error) bool {
	switch code := Code(err); {
	case code == codeAdminShutdown, code == codeCrashShutdown, code == codeCannotConnectNow, strings.HasPrefix(code, "08"):
		return true
	case code != "":
		return false
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	for _, lost := range []error{errConnLost, driver.ErrBadConn, sql.ErrConnDone} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}
