package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// checkLogin checks the keys about who may log in, and how.
func (h *Hub) checkLogin(check func(ok bool, format string, args ...any)) {
	for key, d := range map[string]Duration{
		"session_renewal_timeout": h.SessionRenewalTimeout,
		"session_max_age":         h.SessionMaxAge,
		"max_token_lifetime":      h.MaxTokenLifetime,
	} {
		check(d >= 0, "%s must not be negative", key)
	}
	check(h.MaxLoginFailures >= 0, "max_login_failures must not be negative")
	check(h.MaxLoginFailures == 0 || h.LoginFailureWindow > 0, "login_failure_window must be positive")
	_, err := h.Proxies()
	check(err == nil, "%v", err)
}

// Proxies returns the networks of TrustedProxies. A single address is a network
// of its own.
func (h *Hub) Proxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range h.TrustedProxies {
		if !strings.Contains(text, "/") {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("trusted_proxies: %w", err)
			}
			networks = append(networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %w", err)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}
