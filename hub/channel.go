package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindChannels(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetChannel, h.getChannel)
	rpc.Bind(r, api.ListChannels, h.listChannels)
	rpc.Bind(r, api.AddChannel, h.addChannel)
	rpc.Bind(r, api.EditChannel, h.editChannel)
	rpc.Bind(r, api.RenameChannel, h.renameChannel)
	rpc.Bind(r, api.EnableChannel, h.enableChannel)
	rpc.Bind(r, api.DisableChannel, h.disableChannel)
}

// Channel returns a channel by id, name or map, nil if there is none.
func (h *Hub) Channel(ctx context.Context, info any) (*api.Channel, error) {
	ref, err := refTo(info)
	if err != nil {
		return nil, err
	}
	return h.Store.Channel(ctx, ref)
}

func (h *Hub) getChannel(ctx context.Context, p api.GetChannelParams) (*api.Channel, error) {
	channel, err := h.Channel(ctx, p.ChannelInfo)
	if err == nil && channel == nil && p.Strict {
		err = errNoRow
	}
	return channel, err
}

func (h *Hub) listChannels(ctx context.Context, p api.ListChannelsParams) ([]api.Channel, error) {
	if !xmlrpc.Truth(p.HostID) {
		if p.Event != nil && *p.Event != 0 {
			return nil, koji.GenericErrorf("list_channels with event and not host is not allowed.")
		}
		return h.Store.Channels(ctx, nil, nil, p.Enabled)
	}
	id, ok := p.HostID.(int64)
	if !ok {
		host, err := h.Host(ctx, p.HostID, true)
		if err != nil {
			return nil, err
		}
		id = host.ID
	}
	return h.Store.Channels(ctx, &id, p.Event, p.Enabled)
}

func (h *Hub) addChannel(ctx context.Context, p api.AddChannelParams) (int64, error) {
	if err := h.checkNewChannel(ctx, p.ChannelName); err != nil {
		return 0, err
	}
	return h.Store.CreateChannel(ctx, p.ChannelName, p.Description)
}

func (h *Hub) checkNewChannel(ctx context.Context, name string) error {
	if err := h.Names.CheckName(name); err != nil {
		return err
	}
	channel, err := h.Channel(ctx, name)
	if err == nil && channel != nil {
		err = koji.GenericErrorf("channel %s already exists (id=%d)", channel.Name, channel.ID)
	}
	return err
}

func (h *Hub) editChannel(ctx context.Context, p api.EditChannelParams) (bool, error) {
	channel, err := h.Channel(ctx, p.ChannelInfo)
	if err == nil && channel == nil {
		err = errNoRow
	}
	if err != nil {
		return false, err
	}
	changes, err := changed(channel, p.Changes, "name", "description", "comment")
	if err != nil || len(changes) == 0 {
		return false, err
	}
	if name, _ := p.Changes["name"].(string); name != "" {
		if err := h.checkNewChannel(ctx, name); err != nil {
			return false, err
		}
	}
	if err := onlyText(p.Changes, "description", "comment"); err != nil {
		return false, err
	}
	return true, h.Store.UpdateChannel(ctx, channel.ID, changes)
}

func (h *Hub) renameChannel(ctx context.Context, p api.RenameChannelParams) (rpc.None, error) {
	_, err := h.editChannel(ctx, api.EditChannelParams{ChannelInfo: p.Old, Changes: map[string]any{"name": p.New}})
	return rpc.None{}, err
}

func (h *Hub) enableChannel(ctx context.Context, p api.SwitchChannelParams) (rpc.None, error) {
	return rpc.None{}, h.switchChannel(ctx, p, true)
}

func (h *Hub) disableChannel(ctx context.Context, p api.SwitchChannelParams) (rpc.None, error) {
	return rpc.None{}, h.switchChannel(ctx, p, false)
}

func (h *Hub) switchChannel(ctx context.Context, p api.SwitchChannelParams, enabled bool) error {
	channel, err := h.Channel(ctx, p.ChannelName)
	if err != nil {
		return err
	}
	if channel == nil {
		return koji.GenericErrorf("No such channel: %s", pyStr(p.ChannelName))
	}
	changes := store.Row{"enabled": enabled}
	if p.Comment != nil {
		changes["comment"] = *p.Comment
	}
	return h.Store.UpdateChannel(ctx, channel.ID, changes)
}
