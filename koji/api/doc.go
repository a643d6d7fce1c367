// Package api is the wire contract: one typed declaration per XML-RPC method,
// in a file per noun.
//
// A declaration names the method, says who may call it and what it does, and
// ties it to the Go types of its parameters and its result. Names, order and
// defaults of parameters, and the keys of results, are Koji's: clients depend on
// them. The hub binds a function to each declaration; clients, the web and
// builders call it by rpc.Invoke with the same types.
package api
