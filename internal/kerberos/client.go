package kerberos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

// ClientOptions say who a client is. Empty fields are found where MIT's library
// finds them.
type ClientOptions struct {
	Config    string // krb5.conf; $KRB5_CONFIG or /etc/krb5.conf
	CCache    string // credentials cache, a file; $KRB5CCNAME, krb5.conf's, or /tmp/krb5cc_UID
	Principal string // whose tickets; the realm may be left out. Empty for the cache's owner
	Keytab    string // file with the principal's key: log in by it instead of the cache
}

// Client is the client's side: the credentials of one principal.
type Client struct {
	krb  *client.Client
	conf *config.Config
}

// NewClient reads the credentials. With a keytab it asks the KDC for a ticket;
// otherwise somebody must have called kinit.
func NewClient(o ClientOptions) (*Client, error) {
	file, err := readConfig(cmp.Or(o.Config, os.Getenv("KRB5_CONFIG"), "/etc/krb5.conf"))
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	conf := file.parsed
	var krb *client.Client
	if o.Keytab != "" {
		krb, err = fromKeytab(o, conf)
	} else {
		krb, err = fromCCache(o, conf, cmp.Or(o.CCache, os.Getenv("KRB5CCNAME"), file.ccache))
	}
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	return &Client{krb: krb, conf: conf}, nil
}

func fromKeytab(o ClientOptions, conf *config.Config) (*client.Client, error) {
	name, realm, _ := strings.Cut(o.Principal, "@")
	if name == "" {
		return nil, errors.New("a keytab needs a principal to go with it")
	}
	keys, err := keytab.Load(strings.TrimPrefix(o.Keytab, "FILE:"))
	if err != nil {
		return nil, fmt.Errorf("load keytab %s: %w", o.Keytab, err)
	}
	krb := client.NewWithKeytab(name, cmp.Or(realm, conf.LibDefaults.DefaultRealm), keys, conf, client.DisablePAFXFAST(true))
	if err := krb.Login(); err != nil {
		return nil, fmt.Errorf("get a ticket for %s: %w", o.Principal, err)
	}
	return krb, nil
}

func fromCCache(o ClientOptions, conf *config.Config, name string) (*client.Client, error) {
	name = cmp.Or(name, "/tmp/krb5cc_"+strconv.Itoa(os.Getuid()))
	path := name
	if kind, rest, ok := strings.Cut(name, ":"); ok {
		if kind != "FILE" {
			return nil, fmt.Errorf("credentials cache %s is not a file; try `kinit -c FILE:/tmp/krb5cc_toji` with KRB5CCNAME set to that", name)
		}
		path = rest
	}
	cache, err := credentials.LoadCCache(path)
	if err != nil {
		return nil, fmt.Errorf("no credentials in %s (run kinit): %w", path, err)
	}
	owner := cache.GetClientPrincipalName().PrincipalNameString() + "@" + cache.GetClientRealm()
	if p := o.Principal; p != "" && p != owner && p+"@"+conf.LibDefaults.DefaultRealm != owner {
		return nil, fmt.Errorf("%s has credentials of %s, not of %s", path, owner, p)
	}
	krb, err := client.NewFromCCache(cache, conf, client.DisablePAFXFAST(true))
	if err != nil {
		return nil, fmt.Errorf("credentials in %s (run kinit): %w", path, err)
	}
	return krb, nil
}

// Token returns a token for the service HTTP on a host. A token can be used once.
func (c *Client) Token(ctx context.Context, host string) ([]byte, error) {
	host = strings.TrimSuffix(host, ".")
	if c.conf.LibDefaults.DNSCanonicalizeHostname && net.ParseIP(host) == nil {
		if name, err := net.DefaultResolver.LookupCNAME(ctx, host); err == nil && name != "" {
			host = strings.TrimSuffix(name, ".")
		}
	}
	service := "HTTP/" + strings.ToLower(host)
	ticket, key, err := c.krb.GetServiceTicket(service)
	if err != nil {
		return nil, fmt.Errorf("kerberos: ticket for %s: %w", service, err)
	}
	init, err := spnego.NewNegTokenInitKRB5(c.krb, ticket, key)
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	init.MechTypes = []asn1.ObjectIdentifier{gssapi.OIDKRB5.OID()}
	token, err := (&spnego.SPNEGOToken{Init: true, NegTokenInit: init}).Marshal()
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	return token, nil
}

// Close forgets the credentials.
func (c *Client) Close() { c.krb.Destroy() }
