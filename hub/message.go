package hub

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// data is a JSON object of a message.
type data map[string]any

// publish writes a message about a change, in the change's transaction, if the
// hub sends messages. Address, properties and body are those of Koji's plugin
// protonmsg; the body's values are of the API's types. Messages about the states
// of tasks, builds and repositories come from triggers.
func (h *Hub) publish(ctx context.Context, address string, props, body data) error {
	if !h.Messages.Enabled {
		return nil
	}
	plain, err := xmlrpc.Plain(map[string]any(body))
	if err != nil {
		return fmt.Errorf("message %s: %w", address, err)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return fmt.Errorf("message %s: %w", address, err)
	}
	head, err := json.Marshal(props)
	if err != nil {
		return fmt.Errorf("message %s: %w", address, err)
	}
	return h.Store.AddMessage(ctx, address, string(head), string(text))
}

// about returns a build for a message: without extra data that is too long.
func (h *Hub) about(b *api.Build) *api.Build {
	limit := h.Messages.ExtraLimit
	text, err := json.Marshal(b.Extra.Object())
	if limit == 0 || err == nil && len(text) <= limit {
		return b
	}
	short := *b
	short.Extra = api.Document{} // Koji: the member is not there at all
	return &short
}

// publishTagging tells that a build was tagged (build.tag) or untagged.
func (h *Hub) publishTagging(ctx context.Context, address, kind string, tag *api.Tag, op tagOperation, more data) error {
	if !h.Messages.Enabled {
		return nil
	}
	user, err := h.User(ctx, op.userID, true)
	if err != nil {
		return err
	}
	build, err := h.build(ctx, op.build.ID, true) // the operation may know less of it
	if err != nil {
		return err
	}
	props := data{"type": kind, "tag": tag.Name, "name": build.Name, "version": build.Version, "release": build.Release, "user": user.Name}
	body := data{"tag": tag, "build": h.about(build), "user": user, "force": op.force}
	for name, v := range more {
		body[name] = v
	}
	return h.publish(ctx, address, props, body)
}

// publishPackage tells of a change of a tag's package list.
func (h *Hub) publishPackage(ctx context.Context, action string, tag *api.Tag, pkg *api.IDName, more data) error {
	if !h.Messages.Enabled {
		return nil
	}
	user, err := h.User(ctx, session.From(ctx).UserID, true)
	if err != nil {
		return err
	}
	props := data{"type": "PackageListChange", "tag": tag.Name, "package": pkg.Name, "action": action, "user": user.Name}
	body := data{"action": action, "tag": tag, "package": pkg, "user": user}
	for name, v := range more {
		body[name] = v
	}
	return h.publish(ctx, "package."+action, props, body)
}

// publishImport tells that something of a build was imported; kind is build,
// rpm, archive or cg.
func (h *Hub) publishImport(ctx context.Context, kind string, b *api.Build, more data) error {
	props := data{"type": "Import", "importType": kind, "name": b.Name, "version": b.Version, "release": b.Release}
	body := data{"type": kind, "build": h.about(b)}
	for name, v := range more {
		body[name] = v
	}
	return h.publish(ctx, "import."+kind, props, body)
}
