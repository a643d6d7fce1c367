package api

import "github.com/toji-build/toji/internal/rpc"

// GetVolumeParams are the parameters of getVolume.
type GetVolumeParams struct {
	Volume any  `rpc:"volume"` // id or name
	Strict bool `rpc:"strict,optional=False"`
}

// AddVolumeParams are the parameters of addVolume.
type AddVolumeParams struct {
	Name   string `rpc:"name"`
	Strict bool   `rpc:"strict,optional=True"` // a volume that exists is an error
}

// RemoveVolumeParams are the parameters of removeVolume.
type RemoveVolumeParams struct {
	Volume any `rpc:"volume"` // id or name
}

// ChangeBuildVolumeParams are the parameters of changeBuildVolume.
type ChangeBuildVolumeParams struct {
	Build  any  `rpc:"build"`
	Volume any  `rpc:"volume"`
	Strict bool `rpc:"strict,optional=True"` // a build that is there already is an error
}

// The methods for volumes.
var (
	ListVolumes = rpc.Define(rpc.Method[NoParams, []IDName]{
		Name: "listVolumes", Func: "list_volumes", Access: Anyone,
		Doc: "List the storage volumes.",
	})
	GetVolume = rpc.Define(rpc.Method[GetVolumeParams, *IDName]{
		Name: "getVolume", Access: Anyone,
		Doc: "Return a storage volume; nil if there is none and strict is false.",
	})
	AddVolume = rpc.Define(rpc.Method[AddVolumeParams, *IDName]{
		Name: "addVolume", Func: "add_volume", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a storage volume, whose directory exists.",
	})
	RemoveVolume = rpc.Define(rpc.Method[RemoveVolumeParams, rpc.None]{
		Name: "removeVolume", Func: "remove_volume", Access: NeedPerm("admin"), Writes: true,
		Doc: "Remove a storage volume that no build is on.",
	})
	ChangeBuildVolume = rpc.Define(rpc.Method[ChangeBuildVolumeParams, rpc.None]{
		Name: "changeBuildVolume", Func: "change_build_volume", Access: NeedPerm("admin"), Writes: true,
		Doc: "Move a build's files to another storage volume.",
	})
)
