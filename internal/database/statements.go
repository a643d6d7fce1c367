package database

import (
	"container/list"
	"context"
	"database/sql/driver"
)

// preparedStmt is a prepared statement of lib/pq.
type preparedStmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// statements holds one connection's prepared statements, the most recently
// used first. A text is prepared the second time it is seen: one that comes
// but once costs a single round trip and no place on the server.
type statements struct {
	max    int
	byText map[string]*list.Element
	recent *list.List // of *statement
}

type statement struct {
	text string
	stmt preparedStmt // nil until the text is seen again
}

func newStatements(max int) *statements {
	return &statements{max: max, byText: make(map[string]*list.Element), recent: list.New()}
}

// get returns the prepared statement for text, nil when it is yet to be run
// unprepared.
func (s *statements) get(ctx context.Context, c driver.ConnPrepareContext, text string) (preparedStmt, error) {
	el, ok := s.byText[text]
	if !ok {
		s.byText[text] = s.recent.PushFront(&statement{text: text})
		return nil, s.evict()
	}
	s.recent.MoveToFront(el)
	st := el.Value.(*statement)
	if st.stmt == nil {
		prepared, err := c.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		st.stmt = prepared.(preparedStmt)
	}
	return st.stmt, nil
}

func (s *statements) evict() error {
	if s.recent.Len() <= s.max {
		return nil
	}
	st := s.recent.Remove(s.recent.Back()).(*statement)
	delete(s.byText, st.text)
	if st.stmt == nil {
		return nil
	}
	return st.stmt.Close()
}

// forget drops a text whose statement the server has lost or refuses.
func (s *statements) forget(text string) {
	el, ok := s.byText[text]
	if !ok {
		return
	}
	st := s.recent.Remove(el).(*statement)
	delete(s.byText, text)
	if st.stmt != nil {
		// The caller has the error that matters.
		_ = st.stmt.Close()
	}
}
