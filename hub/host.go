package hub

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindHosts(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetHost, h.getHost)
	rpc.Bind(r, api.ListHosts, h.listHosts)
	rpc.Bind(r, api.AddHost, h.addHost)
	rpc.Bind(r, api.EditHost, h.editHost)
	rpc.Bind(r, api.EnableHost, h.enableHost)
	rpc.Bind(r, api.DisableHost, h.disableHost)
	rpc.Bind(r, api.AddHostToChannel, h.addHostToChannel)
	rpc.Bind(r, api.RemoveHostFromChannel, h.removeHostFromChannel)
	rpc.Bind(r, api.GetLastHostUpdate, h.getLastHostUpdate)
	rpc.Bind(r, api.GetAllArches, h.getAllArches)
}

// Host returns a build host by id, name or map. If there is none it returns
// nil, or, when strict, a GenericError.
func (h *Hub) Host(ctx context.Context, info any, strict bool) (*api.Host, error) {
	return h.hostAt(ctx, info, nil, strict)
}

func (h *Hub) hostAt(ctx context.Context, info any, event *int64, strict bool) (*api.Host, error) {
	ref, err := refTo(info)
	if err != nil {
		return nil, err
	}
	host, err := h.Store.Host(ctx, ref, event)
	return strictRow(host, err, strict, "Invalid hostInfo: %s", pyStr(info))
}

// existingHost is a strict Host with the fault of the methods that change hosts.
func (h *Hub) existingHost(ctx context.Context, info any) (*api.Host, error) {
	host, err := h.Host(ctx, info, false)
	return strictRow(host, err, true, "host does not exist: %s", pyStr(info))
}

func (h *Hub) getHost(ctx context.Context, p api.GetHostParams) (*api.Host, error) {
	return h.hostAt(ctx, p.HostInfo, p.Event, p.Strict)
}

func (h *Hub) listHosts(ctx context.Context, p api.ListHostsParams) ([]api.Host, error) {
	f := store.HostFilter{Ready: p.Ready, Enabled: p.Enabled}
	if p.Arches != nil {
		if !xmlrpc.Truth(p.Arches) {
			return nil, koji.GenericErrorf("arches option cannot be empty")
		}
		list, ok := p.Arches.([]any)
		if !ok {
			list = []any{p.Arches}
		}
		var names []string
		for _, arch := range list {
			names = append(names, pyStr(arch))
		}
		f.ArchPattern = strings.Join(names, "|")
	}
	if p.ChannelID != nil {
		id, err := h.lookupID(ctx, store.Channels, p.ChannelID)
		if err != nil {
			return nil, err
		}
		f.ChannelID = &id
	}
	if p.UserID != nil {
		user, err := h.User(ctx, p.UserID, true)
		if err != nil {
			return nil, err
		}
		f.UserID = &user.ID
	}
	return h.Store.Hosts(ctx, f)
}

func (h *Hub) addHost(ctx context.Context, p api.AddHostParams) (int64, error) {
	if err := h.Names.CheckHost(p.Hostname); err != nil {
		return 0, err
	}
	arches, err := koji.ParseArchesStrict(strings.Join(p.Arches, " "))
	if err != nil {
		return 0, err
	}
	host, err := h.Host(ctx, p.Hostname, false)
	if err != nil {
		return 0, err
	}
	if host != nil {
		return 0, koji.GenericErrorf("host already exists: %s", p.Hostname)
	}
	userID, err := h.hostUser(ctx, p)
	if err != nil {
		return 0, err
	}
	id, err := h.Store.CreateHost(ctx, p.Hostname, userID, strings.Join(arches, " "))
	if errors.Is(err, database.ErrNotFound) {
		err = errNoRow
	}
	return id, err
}

// hostUser returns the user that a new host logs in as. It may be there already,
// if the host tried to log in before it was added.
func (h *Hub) hostUser(ctx context.Context, p api.AddHostParams) (int64, error) {
	ref, principal := store.UserRef{Name: p.Hostname}, ""
	if p.KrbPrincipal != nil {
		principal = *p.KrbPrincipal
		ref.KrbPrincipal = principal
	}
	user, err := h.Store.User(ctx, ref, false)
	switch {
	case err != nil:
		return 0, err
	case user == nil:
		if p.KrbPrincipal == nil && h.Config.HostPrincipalFormat != "" {
			principal = strings.ReplaceAll(h.Config.HostPrincipalFormat, "%s", p.Hostname)
		}
		return h.Store.CreateUser(ctx, p.Hostname, koji.UserHost, koji.UserActive, principal)
	case user.UserType == koji.UserHost:
		return user.ID, nil
	case p.Force && user.UserType == koji.UserNormal:
		return user.ID, h.Store.SetUserType(ctx, user.ID, koji.UserHost)
	}
	return 0, koji.GenericErrorf("user %s already exists and it is not a host", p.Hostname)
}

func (h *Hub) editHost(ctx context.Context, p api.EditHostParams) (bool, error) {
	host, err := h.Host(ctx, p.HostInfo, true)
	if err != nil {
		return false, err
	}
	changes, err := changed(host, p.Changes, "arches", "capacity", "description", "comment")
	if err != nil || len(changes) == 0 {
		return false, err
	}
	if err := onlyText(changes, "arches", "description", "comment"); err != nil {
		return false, err
	}
	if err := rpc.Into(map[string]any(changes), host); err != nil {
		return false, err
	}
	return true, h.Store.UpdateHost(ctx, host)
}

func (h *Hub) enableHost(ctx context.Context, p api.HostnameParams) (rpc.None, error) {
	return rpc.None{}, h.switchHost(ctx, p.Hostname, true)
}

func (h *Hub) disableHost(ctx context.Context, p api.HostnameParams) (rpc.None, error) {
	return rpc.None{}, h.switchHost(ctx, p.Hostname, false)
}

func (h *Hub) switchHost(ctx context.Context, info any, enabled bool) error {
	host, err := h.existingHost(ctx, info)
	if err != nil {
		return err
	}
	host.Enabled = enabled
	if err := h.Store.UpdateHost(ctx, host); err != nil || !enabled {
		return err
	}
	// Whoever enables a host says that it is well.
	_, err = h.Store.TrustHost(ctx, host.ID)
	return err
}

func (h *Hub) addHostToChannel(ctx context.Context, p api.AddHostToChannelParams) (rpc.None, error) {
	host, err := h.existingHost(ctx, p.Hostname)
	if err != nil {
		return rpc.None{}, err
	}
	if p.Create {
		if err := h.Names.CheckName(pyStr(p.ChannelName)); err != nil {
			return rpc.None{}, err
		}
		if _, err := h.ensureName(ctx, store.Channels, p.ChannelName); err != nil {
			return rpc.None{}, err
		}
	}
	channel, err := h.existingChannel(ctx, p.ChannelName)
	if err != nil {
		return rpc.None{}, err
	}
	if !p.Force && !channel.Enabled {
		return rpc.None{}, koji.GenericErrorf("channel %s is disabled", pyStr(p.ChannelName))
	}
	in, err := h.inChannel(ctx, host.ID, channel.ID)
	if err != nil {
		return rpc.None{}, err
	}
	if in {
		return rpc.None{}, koji.GenericErrorf("host %s is already subscribed to the %s channel", pyStr(p.Hostname), pyStr(p.ChannelName))
	}
	return rpc.None{}, h.Store.AddHostToChannel(ctx, host.ID, channel.ID)
}

// existingChannel returns a channel, with the fault of the methods for hosts.
func (h *Hub) existingChannel(ctx context.Context, info any) (*api.Channel, error) {
	channel, err := h.Channel(ctx, info)
	return strictRow(channel, err, true, "channel does not exist: %s", pyStr(info))
}

func (h *Hub) inChannel(ctx context.Context, hostID, channelID int64) (bool, error) {
	channels, err := h.Store.Channels(ctx, &hostID, nil, nil)
	return slices.ContainsFunc(channels, func(c api.Channel) bool { return c.ID == channelID }), err
}

func (h *Hub) removeHostFromChannel(ctx context.Context, p api.RemoveHostFromChannelParams) (rpc.None, error) {
	host, err := h.existingHost(ctx, p.Hostname)
	if err != nil {
		return rpc.None{}, err
	}
	channel, err := h.existingChannel(ctx, p.ChannelName)
	if err != nil {
		return rpc.None{}, err
	}
	in, err := h.inChannel(ctx, host.ID, channel.ID)
	if err != nil {
		return rpc.None{}, err
	}
	if !in {
		return rpc.None{}, koji.GenericErrorf("host %s is not subscribed to the %s channel", pyStr(p.Hostname), pyStr(p.ChannelName))
	}
	return rpc.None{}, h.Store.RemoveHostFromChannel(ctx, host.ID, channel.ID)
}

func (h *Hub) getLastHostUpdate(ctx context.Context, p api.GetLastHostUpdateParams) (any, error) {
	t, err := h.Store.LastHostUpdate(ctx, p.HostID)
	if err != nil || t.IsZero() {
		return nil, err
	}
	if p.TS {
		return t.TS(), nil
	}
	return t, nil
}

func (h *Hub) getAllArches(ctx context.Context, _ api.NoParams) ([]string, error) {
	hosts, err := h.Store.HostArches(ctx)
	return koji.CanonArches(strings.Join(hosts, " ")), err
}
