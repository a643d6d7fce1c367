package api

import "github.com/toji-build/toji/internal/rpc"

// Channel groups the hosts that do one kind of work.
type Channel struct {
	Comment     *string `rpc:"comment"`
	Description *string `rpc:"description"`
	Enabled     bool    `rpc:"enabled"`
	ID          int64   `rpc:"id"`
	Name        string  `rpc:"name"`
}

// GetChannelParams are the parameters of getChannel.
type GetChannelParams struct {
	ChannelInfo any  `rpc:"channelInfo"`
	Strict      bool `rpc:"strict,optional=False"`
}

// ListChannelsParams are the parameters of listChannels.
type ListChannelsParams struct {
	HostID  any    `rpc:"hostID,optional=None"`  // id or name: only channels of this host
	Event   *int64 `rpc:"event,optional=None"`   // only with hostID
	Enabled *bool  `rpc:"enabled,optional=None"` // only enabled, or only disabled ones
}

// AddChannelParams are the parameters of addChannel.
type AddChannelParams struct {
	ChannelName string  `rpc:"channel_name"`
	Description *string `rpc:"description,optional=None"`
}

// EditChannelParams are the parameters of editChannel.
type EditChannelParams struct {
	ChannelInfo any            `rpc:"channelInfo"`
	Changes     map[string]any `rpc:"**kw"` // name, description, comment
}

// RenameChannelParams are the parameters of renameChannel.
type RenameChannelParams struct {
	Old any    `rpc:"old"`
	New string `rpc:"new"`
}

// SwitchChannelParams are the parameters of enableChannel and disableChannel.
type SwitchChannelParams struct {
	ChannelName any     `rpc:"channelname"`
	Comment     *string `rpc:"comment,optional=None"`
}

// The methods for channels.
var (
	GetChannel = rpc.Define(rpc.Method[GetChannelParams, *Channel]{
		Name: "getChannel", Func: "get_channel", Access: Anyone,
		Doc: "Return a channel; nil if there is none and strict is false.",
	})
	ListChannels = rpc.Define(rpc.Method[ListChannelsParams, []Channel]{
		Name: "listChannels", Func: "list_channels", Access: Anyone,
		Doc: "List channels, all or those of a host.",
	})
	AddChannel = rpc.Define(rpc.Method[AddChannelParams, int64]{
		Name: "addChannel", Func: "add_channel", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a channel and return its id.",
	})
	EditChannel = rpc.Define(rpc.Method[EditChannelParams, bool]{
		Name: "editChannel", Func: "edit_channel", Access: NeedPerm("admin"), Writes: true,
		Doc: "Change the name, description or comment of a channel; tell whether anything changed.",
	})
	RenameChannel = rpc.Define(rpc.Method[RenameChannelParams, rpc.None]{
		Name: "renameChannel", Func: "rename_channel", Access: NeedPerm("admin"), Writes: true,
		Doc: "Rename a channel.",
	})
	EnableChannel = rpc.Define(rpc.Method[SwitchChannelParams, rpc.None]{
		Name: "enableChannel", Access: NeedPerm("host"), Writes: true,
		Doc: "Let tasks go to a channel again.",
	})
	DisableChannel = rpc.Define(rpc.Method[SwitchChannelParams, rpc.None]{
		Name: "disableChannel", Access: NeedPerm("host"), Writes: true,
		Doc: "Keep tasks from going to a channel.",
	})
)
