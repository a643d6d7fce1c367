package rpc

// None is the result of a method that returns nothing: <nil/> on the wire.
type None struct{}

// MarshalXMLRPC returns nil.
func (None) MarshalXMLRPC() (any, error) { return nil, nil }

// UnmarshalXMLRPC accepts anything, since some hubs answer with something.
func (*None) UnmarshalXMLRPC(any) error { return nil }
