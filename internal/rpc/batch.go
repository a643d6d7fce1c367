package rpc

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/koji"
)

// Batch gathers calls that travel as one multiCall: one round trip and, in the
// hub, one transaction with a savepoint per call. Its zero value is empty.
type Batch struct {
	calls   []any
	results []func(v any, err error) error
}

// Result is the result of one call of a Batch, set when the batch was done.
type Result[R any] struct {
	Value R
	Err   error // the call's own fault, of type *koji.Error
}

// Add puts a call of m into b and returns the place of its result.
func Add[P, R any](b *Batch, m Method[P, R], p P) *Result[R] {
	result := &Result[R]{}
	args, err := EncodeShort(p)
	if err != nil {
		result.Err = fmt.Errorf("encode parameters of %s: %w", m.Name, err)
		return result
	}
	b.calls = append(b.calls, map[string]any{"methodName": m.Name, "params": args})
	b.results = append(b.results, func(v any, err error) error {
		if result.Err = err; err != nil {
			return nil
		}
		if err := Into(v, &result.Value); err != nil {
			return fmt.Errorf("result of %s: %w", m.Name, err)
		}
		return nil
	})
	return result
}

// Do makes the gathered calls through c, sets their results and empties the
// batch. Faults of single calls are in their results, not in the error.
func (b *Batch) Do(ctx context.Context, c Caller) error {
	calls, results := b.calls, b.results
	*b = Batch{}
	if len(calls) == 0 {
		return nil
	}
	v, err := c.Call(ctx, "multiCall", []any{calls})
	if err != nil {
		return err
	}
	outcomes, err := Outcomes(v, len(calls))
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		if err := results[i](o.Value, o.Err); err != nil {
			return err
		}
	}
	return nil
}

// Outcomes reads the answer of a multiCall of n calls: for each, the value or
// the fault.
func Outcomes(v any, n int) ([]Result[any], error) {
	var list []any
	if err := Into(v, &list); err != nil {
		return nil, fmt.Errorf("result of multiCall: %w", err)
	}
	if len(list) != n {
		return nil, fmt.Errorf("multiCall of %d calls has %d results", n, len(list))
	}
	outcomes := make([]Result[any], n)
	for i, item := range list {
		switch item := item.(type) {
		case []any:
			if len(item) != 1 {
				return nil, fmt.Errorf("multiCall: result %d has %d values", i, len(item))
			}
			outcomes[i].Value = item[0]
		case map[string]any:
			var fault struct {
				Code int    `rpc:"faultCode"`
				Text string `rpc:"faultString"`
			}
			if err := Into(item, &fault); err != nil {
				return nil, fmt.Errorf("multiCall: fault %d: %w", i, err)
			}
			outcomes[i].Err = &koji.Error{Fault: fault.Code, Msg: fault.Text}
		default:
			return nil, fmt.Errorf("multiCall: result %d is a %T", i, item)
		}
	}
	return outcomes, nil
}
