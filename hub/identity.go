package hub

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/kerberos"
	"github.com/toji-build/toji/koji"
)

// certGood is what Apache's mod_ssl says of a good client certificate.
const certGood = "SUCCESS"

// setUpLogin prepares what the configuration says about logins.
func (h *Hub) setUpLogin() error {
	h.guesses = make(chan struct{}, guessesAtOnce)
	networks, err := h.Config.Proxies()
	if err != nil {
		return err
	}
	h.proxies = networks
	for _, text := range h.Config.ProxyDNs {
		d, err := parseDN(text)
		if err != nil {
			return fmt.Errorf("proxy_dns: %w", err)
		}
		h.proxyDNs = append(h.proxyDNs, d)
	}
	if h.Config.Keytab != "" {
		h.kerberos, err = kerberos.NewAcceptor(h.Config.Keytab)
	}
	return err
}

// proxies are the web servers before the hub, whose headers count.
type proxies []netip.Prefix

func (p proxies) trusted(address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	contains := func(network netip.Prefix) bool { return network.Contains(ip.Unmap()) }
	return slices.ContainsFunc(p, contains)
}

// client returns the address of a request's origin: the last of those on the way
// that is no trusted proxy. Who came before it may have made up the others.
func (p proxies) client(address string, forwarded []string) string {
	way := strings.Split(strings.Join(forwarded, ","), ",")
	for _, hop := range slices.Backward(way) {
		hop = strings.TrimSpace(hop)
		if hop == "" || !p.trusted(address) {
			break
		}
		address = hop
	}
	return address
}

// ClientAddress is the address of a request's origin, before any trusted proxies.
func (h *Hub) ClientAddress(r *http.Request) string {
	address, _ := h.origin(r)
	return address
}

// origin is a request's origin and whether a trusted proxy told of it.
func (h *Hub) origin(r *http.Request) (address string, proxied bool) {
	address = r.RemoteAddr
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		address = host
	}
	if !h.proxies.trusted(address) {
		return address, false
	}
	return h.proxies.client(address, r.Header[http.CanonicalHeaderKey(h.Config.ProxyAddressHeader)]), true
}

// requestCredentials are the session, address and proofs of a request.
func (h *Hub) requestCredentials(r *http.Request) (*credentials, error) {
	c, err := credentialsOf(r, !h.Config.DisableURLSessions)
	if err != nil {
		return nil, err
	}
	proxied := false
	if c.address, proxied = h.origin(r); proxied {
		// A certificate of the connection is the proxy's own: no proof of who is behind it.
		c.proof, err = h.proxied(r.Header)
	} else if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		c.proof, err = h.certificate(r.TLS)
	}
	return c, err
}

// certificate is what a connection with a good client certificate proves.
func (h *Hub) certificate(state *tls.ConnectionState) (session.Proof, error) {
	subject, text, err := subjectOf(state.VerifiedChains[0][0])
	return session.Proof{Verified: certGood, DN: text, UserName: subject.part(h.Config.DNUsernameComponent)}, err
}

// proxied is what a proxy says of its client. Of a certificate's subject both
// Apache's SSL_CLIENT_S_DN and nginx's $ssl_client_s_dn will do.
func (h *Hub) proxied(header http.Header) (session.Proof, error) {
	proof := session.Proof{
		Verified:  header.Get(h.Config.ProxyVerifyHeader),
		DN:        header.Get(h.Config.ProxyDNHeader),
		Principal: header.Get(h.Config.ProxyUserHeader),
	}
	for _, text := range []*string{&proof.Verified, &proof.Principal} {
		if *text == "(null)" {
			*text = "" // Apache's word for a variable that is not set
		}
	}
	if proof.Verified != certGood {
		return proof, nil
	}
	subject, err := parseDN(proof.DN)
	if err != nil {
		return proof, koji.AuthErrorf("could not verify client: subject %w", err)
	}
	proof.UserName = subject.part(h.Config.DNUsernameComponent)
	return proof, nil
}
