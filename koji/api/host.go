package api

import (
	"github.com/toji-build/toji/internal/rpc"
)

// Host is a build host with its configuration.
type Host struct {
	Arches      *string  `rpc:"arches"` // by spaces
	Capacity    float64  `rpc:"capacity"`
	Comment     *string  `rpc:"comment"`
	Description *string  `rpc:"description"`
	Enabled     bool     `rpc:"enabled"`
	ID          int64    `rpc:"id"`
	Name        string   `rpc:"name"`
	Ready       bool     `rpc:"ready"`     // by its own word
	TaskLoad    float64  `rpc:"task_load"` // weight of its tasks
	UpdateTS    *float64 `rpc:"update_ts"` // when it last called, in seconds since the epoch
	UserID      int64    `rpc:"user_id"`   // the user that it logs in as
}

// GetHostParams are the parameters of getHost.
type GetHostParams struct {
	HostInfo any    `rpc:"hostInfo"`
	Strict   bool   `rpc:"strict,optional=False"`
	Event    *int64 `rpc:"event,optional=None"`
}

// ListHostsParams are the parameters of listHosts.
type ListHostsParams struct {
	Arches    any            `rpc:"arches,optional=None"` // an arch or a list; hosts with any of them
	ChannelID any            `rpc:"channelID,optional=None"`
	Ready     *bool          `rpc:"ready,optional=None"`
	Enabled   *bool          `rpc:"enabled,optional=None"`
	UserID    any            `rpc:"userID,optional=None"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"` // Koji: without effect
}

// AddHostParams are the parameters of addHost.
type AddHostParams struct {
	Hostname     string   `rpc:"hostname"`
	Arches       []string `rpc:"arches"`
	KrbPrincipal *string  `rpc:"krb_principal,optional=None"`
	Force        bool     `rpc:"force,optional=False"` // turn an ordinary user of the name into a host
}

// EditHostParams are the parameters of editHost.
type EditHostParams struct {
	HostInfo any            `rpc:"hostInfo"`
	Changes  map[string]any `rpc:"**kw"` // arches, capacity, description, comment
}

// HostnameParams name a host.
type HostnameParams struct {
	Hostname any `rpc:"hostname"`
}

// AddHostToChannelParams are the parameters of addHostToChannel.
type AddHostToChannelParams struct {
	Hostname    any  `rpc:"hostname"`
	ChannelName any  `rpc:"channel_name"`
	Create      bool `rpc:"create,optional=False"` // make the channel if it is new
	Force       bool `rpc:"force,optional=False"`  // even if it is disabled
}

// RemoveHostFromChannelParams are the parameters of removeHostFromChannel.
type RemoveHostFromChannelParams struct {
	Hostname    any `rpc:"hostname"`
	ChannelName any `rpc:"channel_name"`
}

// GetLastHostUpdateParams are the parameters of getLastHostUpdate.
type GetLastHostUpdateParams struct {
	HostID int64 `rpc:"hostID"`
	TS     bool  `rpc:"ts,optional=False"` // answer in seconds since the epoch
}

// The methods by which build hosts are administered.
var (
	GetHost = rpc.Define(rpc.Method[GetHostParams, *Host]{
		Name: "getHost", Func: "get_host", Access: Anyone,
		Doc: "Return a host; nil if there is none and strict is false.",
	})
	ListHosts = rpc.Define(rpc.Method[ListHostsParams, []Host]{
		Name: "listHosts", Access: Anyone,
		Doc: "List hosts: all, or those of an arch, a channel, a user, a state.",
	})
	AddHost = rpc.Define(rpc.Method[AddHostParams, int64]{
		Name: "addHost", Access: NeedPerm("host"), Writes: true,
		Doc: "Add a host, with a user of its name and in the default channel, and return its id.",
	})
	EditHost = rpc.Define(rpc.Method[EditHostParams, bool]{
		Name: "editHost", Func: "edit_host", Access: NeedPerm("host"), Writes: true,
		Doc: "Change those settings of a host that are given by keyword; tell whether anything changed.",
	})
	EnableHost = rpc.Define(rpc.Method[HostnameParams, rpc.None]{
		Name: "enableHost", Access: NeedPerm("host"), Writes: true,
		Doc: "Let a host get tasks again.",
	})
	DisableHost = rpc.Define(rpc.Method[HostnameParams, rpc.None]{
		Name: "disableHost", Access: NeedPerm("host"), Writes: true,
		Doc: "Keep a host from getting tasks.",
	})
	AddHostToChannel = rpc.Define(rpc.Method[AddHostToChannelParams, rpc.None]{
		Name: "addHostToChannel", Func: "add_host_to_channel", Access: NeedPerm("host"), Writes: true,
		Doc: "Add a host to a channel.",
	})
	RemoveHostFromChannel = rpc.Define(rpc.Method[RemoveHostFromChannelParams, rpc.None]{
		Name: "removeHostFromChannel", Func: "remove_host_from_channel", Access: NeedPerm("host"), Writes: true,
		Doc: "Remove a host from a channel.",
	})
	GetLastHostUpdate = rpc.Define(rpc.Method[GetLastHostUpdateParams, any]{
		Name: "getLastHostUpdate", Access: Anyone,
		Doc: "Return when a session of the host's user last called the hub; nil if none ever did.",
	})
	GetAllArches = rpc.Define(rpc.Method[NoParams, []string]{
		Name: "getAllArches", Func: "get_all_arches", Access: Anyone,
		Doc: "List the canonical arches of all hosts.",
	})
)
