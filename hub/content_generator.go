package hub

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindContentGenerators(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.ListCGs, h.listCGs)
	rpc.Bind(r, api.GrantCGAccess, h.grantCGAccess)
	rpc.Bind(r, api.RevokeCGAccess, h.revokeCGAccess)
	rpc.Bind(r, api.CGInitBuild, h.cgInitBuild)
	rpc.Bind(r, api.CGRefundBuild, h.cgRefundBuild)
	rpc.Bind(r, api.CGImport, h.cgImport)
}

func (h *Hub) listCGs(ctx context.Context, _ api.NoParams) (map[string]api.ContentGenerator, error) {
	users, err := h.Store.CGUsers(ctx)
	if err != nil {
		return nil, err
	}
	list := map[string]api.ContentGenerator{}
	for _, u := range users {
		list[u.CGName] = api.ContentGenerator{ID: u.CGID, Users: append(list[u.CGName].Users, u.User)}
	}
	return list, nil
}

func (h *Hub) grantCGAccess(ctx context.Context, p api.GrantCGAccessParams) (rpc.None, error) {
	user, err := h.User(ctx, p.User, true)
	if err != nil {
		return rpc.None{}, err
	}
	var cg *api.IDName
	if p.Create {
		cg, err = h.ensureName(ctx, store.ContentGenerators, p.CG)
	} else {
		cg, err = h.Lookup(ctx, store.ContentGenerators, p.CG, true)
	}
	if err != nil {
		return rpc.None{}, err
	}
	err = h.Store.GrantCG(ctx, cg.ID, user.ID)
	if _, ok := database.IsUnique(err); ok {
		return rpc.None{}, koji.GenericErrorf("User already has access to content generator %s", cg.Name)
	}
	return rpc.None{}, err
}

func (h *Hub) revokeCGAccess(ctx context.Context, p api.RevokeCGAccessParams) (rpc.None, error) {
	user, err := h.User(ctx, p.User, true)
	if err != nil {
		return rpc.None{}, err
	}
	cg, err := h.lookupID(ctx, store.ContentGenerators, p.CG)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.RevokeCG(ctx, cg, user.ID)
}

// importsFor returns a content generator, which the caller has to be allowed to
// import for.
func (h *Hub) importsFor(ctx context.Context, info any) (*api.IDName, error) {
	cg, err := h.Lookup(ctx, store.ContentGenerators, info, true)
	if err != nil {
		return nil, err
	}
	s := session.From(ctx)
	if !s.LoggedIn() {
		return nil, koji.AuthErrorf("Not logged-in")
	}
	granted, err := h.Store.MayImport(ctx, cg.ID, s.UserID)
	if err == nil && !granted {
		err = koji.AuthErrorf("Content generator access required (%s)", cg.Name)
	}
	return cg, err
}

func (h *Hub) cgInitBuild(ctx context.Context, p api.CGInitBuildParams) (none api.Reservation, err error) {
	cg, err := h.importsFor(ctx, p.CG)
	if err != nil {
		return none, err
	}
	var data struct {
		Name    string         `rpc:"name"`
		Version string         `rpc:"version"`
		Release string         `rpc:"release"`
		Epoch   *int64         `rpc:"epoch"`
		Draft   bool           `rpc:"draft"`
		Source  string         `rpc:"source"`
		Extra   xmlrpc.Ordered `rpc:"extra"`
		TaskID  int64          `rpc:"task_id"`
	}
	if err := rpc.Into(p.Data, &data); err != nil {
		return none, err
	}
	id, err := h.newBuild(ctx, newBuild{
		NVR:   koji.NVR{Name: data.Name, Version: data.Version, Release: data.Release},
		Epoch: data.Epoch, Draft: data.Draft, State: koji.BuildBuilding, Source: data.Source, Extra: data.Extra,
		TaskID: data.TaskID, CGID: &cg.ID,
	})
	if err != nil {
		return none, err
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	token := hex.EncodeToString(secret[:])
	reserved, err := h.Store.Reserve(ctx, id, token)
	if err == nil && !reserved {
		err = koji.GenericErrorf("Build is already reserved")
	}
	return api.Reservation{BuildID: id, Token: token}, err
}

func (h *Hub) cgRefundBuild(ctx context.Context, p api.CGRefundBuildParams) (none rpc.None, err error) {
	state := koji.BuildState(p.State)
	if state != koji.BuildFailed && state != koji.BuildCanceled {
		return none, koji.GenericErrorf("Only FAILED/CANCELED build states are allowed")
	}
	cg, err := h.importsFor(ctx, p.CG)
	if err != nil {
		return none, err
	}
	b, err := h.build(ctx, p.BuildID, true)
	if err != nil {
		return none, err
	}
	if b.State != koji.BuildBuilding {
		return none, koji.GenericErrorf("Build ID %d is not in BUILDING state", b.ID)
	}
	if err := h.checkReservation(ctx, b, cg.ID, &p.Token); err != nil {
		return none, err
	}
	_, err = h.Store.EndBuild(ctx, b.ID, state)
	return none, err
}

// checkReservation checks that a build is reserved by the content generator,
// with this token.
func (h *Hub) checkReservation(ctx context.Context, b *api.Build, cgID int64, token *string) error {
	reserved, err := h.Store.ReservationToken(ctx, b.ID)
	switch {
	case err != nil:
		return err
	case reserved == nil || token == nil || *reserved != *token:
		return koji.GenericErrorf("Token doesn't match build ID %d", b.ID)
	case b.CGID == nil || *b.CGID != cgID:
		return koji.GenericErrorf("Build ID %d is not reserved by this CG", b.ID)
	}
	return nil
}
