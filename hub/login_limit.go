package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"time"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/password"
	"github.com/toji-build/toji/koji"
)

// The same for every reason, so that nobody learns which users there are.
var errWrongPassword = koji.AuthErrorf("invalid username or password")

const (
	// What one address may fail with different users, and one user from
	// different addresses, as multiples of max_login_failures. Many people share
	// an address; that a user can be locked out from outside is the lesser evil.
	addressFailures = 5
	userFailures    = 10

	// guessesAtOnce is how many passwords a hub checks at a time. So many guesses
	// may pass beyond the limit, because they look at the counts together.
	guessesAtOnce = 8
	// countTimeout bounds the wait for a second connection to the database.
	countTimeout = 5 * time.Second
)

// userByPassword returns the user whose password it is. Who guesses too often
// must wait, whether or not the next guess were right. All hubs of a database
// count together.
func (h *Hub) userByPassword(ctx context.Context, name, given string) (store.Login, error) {
	select {
	case h.guesses <- struct{}{}:
		defer func() { <-h.guesses }()
	case <-ctx.Done():
		return store.Login{}, ctx.Err()
	}
	keys := failureKeys(name, session.From(ctx).Address)
	failed, err := h.loginFailures(ctx, keys)
	if err != nil {
		return store.Login{}, err
	}
	user, err := h.Store.LoginByName(ctx, name)
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		return user, err
	}
	stored := ""
	if user.Password != nil {
		stored = *user.Password
	}
	if password.Check(stored, given) {
		if failed {
			err = h.Store.ForgetLoginFailures(ctx, keys[0])
		}
		return user, err
	}
	if err := h.countFailure(ctx, keys); err != nil {
		return user, err
	}
	return user, errWrongPassword
}

// failureKeys are what failed logins of a user from an address count for: both
// together, the address, and the user.
func failureKeys(user, address string) [][]byte {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		// Whoever has one has them all.
		network, _ := ip.WithZone("").Prefix(64)
		address = network.String()
	}
	var keys [][]byte
	for _, text := range []string{"both\x00" + user + "\x00" + address, "address\x00" + address, "user\x00" + user} {
		sum := sha256.Sum256([]byte(text))
		keys = append(keys, sum[:])
	}
	return keys
}

// loginFailures returns an AuthError if there were too many failures of late,
// and otherwise whether there were some of this user from this address.
func (h *Hub) loginFailures(ctx context.Context, keys [][]byte) (some bool, err error) {
	allowed := h.Config.MaxLoginFailures
	if allowed == 0 {
		return false, nil
	}
	window := h.Config.LoginFailureWindow.Std()
	counts, err := h.Store.LoginFailures(ctx, keys, h.Now().Add(-window))
	if err != nil {
		return false, err
	}
	limits := map[string]int{
		string(keys[0]): allowed, string(keys[1]): allowed * addressFailures, string(keys[2]): allowed * userFailures,
	}
	for _, c := range counts {
		if c.Failures >= limits[string(c.Key)] {
			wait := c.Since.Add(window).Sub(h.Now()).Truncate(time.Second) + time.Second
			return true, koji.AuthErrorf("too many failed logins, try again in %s", wait)
		}
		some = some || string(c.Key) == string(keys[0])
	}
	return some, nil
}

func (h *Hub) countFailure(ctx context.Context, keys [][]byte) error {
	if h.Config.MaxLoginFailures == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTimeout)
	defer cancel()
	now := h.Now()
	return h.Store.CountLoginFailure(ctx, keys, now, now.Add(-h.Config.LoginFailureWindow.Std()))
}
