package api

import "github.com/toji-build/toji/internal/rpc"

// Event is a point in the history of the configuration.
type Event struct {
	ID int64   `rpc:"id"`
	TS float64 `rpc:"ts"` // seconds since the epoch
}

// GetEventParams are the parameters of getEvent.
type GetEventParams struct {
	ID     int64 `rpc:"id"`
	Strict bool  `rpc:"strict,optional=True"`
}

// GetLastEventParams are the parameters of getLastEvent.
type GetLastEventParams struct {
	Before any  `rpc:"before,optional=None"` // seconds since the epoch
	Strict bool `rpc:"strict,optional=True"`
}

// TagChangedSinceEventParams are the parameters of tagChangedSinceEvent.
type TagChangedSinceEventParams struct {
	Event   int64   `rpc:"event"`
	TagList []int64 `rpc:"taglist"`
}

// TagLastChangeEventParams are the parameters of tagLastChangeEvent.
type TagLastChangeEventParams struct {
	Tag     any    `rpc:"tag"`
	Before  *int64 `rpc:"before,optional=None"`
	Inherit bool   `rpc:"inherit,optional=True"`
}

// TagFirstChangeEventParams are the parameters of tagFirstChangeEvent.
type TagFirstChangeEventParams struct {
	Tag     any    `rpc:"tag"`
	After   *int64 `rpc:"after,optional=None"`
	Inherit bool   `rpc:"inherit,optional=True"`
}

// The methods for events.
var (
	GetEvent = rpc.Define(rpc.Method[GetEventParams, *Event]{
		Name: "getEvent", Access: Anyone,
		Doc: "Return an event and its time.",
	})
	GetLastEvent = rpc.Define(rpc.Method[GetLastEventParams, *Event]{
		Name: "getLastEvent", Access: Anyone,
		Doc: "Return the last event, or the last before a time.",
	})
	TagChangedSinceEvent = rpc.Define(rpc.Method[TagChangedSinceEventParams, bool]{
		Name: "tagChangedSinceEvent", Func: "tag_changed_since_event", Access: Anyone,
		Doc: "Tell whether any of the tags was changed after an event. Does not follow inheritance.",
	})
	TagLastChangeEvent = rpc.Define(rpc.Method[TagLastChangeEventParams, *int64]{
		Name: "tagLastChangeEvent", Func: "tag_last_change_event", Access: Anyone,
		Doc: "Return the last event that changed a tag or what it inherits.",
	})
	TagFirstChangeEvent = rpc.Define(rpc.Method[TagFirstChangeEventParams, *int64]{
		Name: "tagFirstChangeEvent", Func: "tag_first_change_event", Access: Anyone,
		Doc: "Return the first event after another that changed a tag or what it inherits.",
	})
)
