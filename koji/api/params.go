package api

// NoParams are the parameters of a method that takes none.
type NoParams struct{}
