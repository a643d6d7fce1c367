package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Hub configures the hub: its listeners, its files and the rules that Koji
// keeps in hub.conf, with Koji's defaults.
type Hub struct {
	Listen    string `toml:"listen"`     // address of the plain HTTP listener; empty for none
	ListenTLS string `toml:"listen_tls"` // address of the TLS listener; empty for none
	// ListenBuilders is the address of the builders' gateway to Temporal, with TLS;
	// empty for none.
	ListenBuilders string `toml:"listen_builders"`

	TLSCert  string `toml:"tls_cert"`  // PEM file: certificate and chain of the hub
	TLSKey   string `toml:"tls_key"`   // PEM file: its key
	ClientCA string `toml:"client_ca"` // PEM file: whose client certificates log users in

	TopDir string `toml:"topdir"` // where builds, repositories and uploads lie
	WebURL string `toml:"weburl"` // how users reach the web pages; used in messages and notifications
	URL    string `toml:"url"`    // how clients reach the hub, such as https://koji.example.org/kojihub

	MaxRequestLength int64    `toml:"max_request_length"` // bytes of one XML-RPC request
	MaxUploadSize    int64    `toml:"max_upload_size"`    // bytes of one uploaded file; 0 for no limit
	MaxCalls         int      `toml:"max_calls"`          // calls of one multiCall; 0 for no limit
	SlowCall         Duration `toml:"slow_call"`          // calls that take longer are logged
	APIOnly          bool     `toml:"api_only"`           // answer calls and show pages, but leave tasks to other hub processes
	ServerOffline    bool     `toml:"server_offline"`     // refuse every call
	OfflineMessage   string   `toml:"offline_message"`    // and say this
	LockOut          bool     `toml:"lockout"`            // refuse calls of everyone but admins

	DNUsernameComponent   string   `toml:"dn_username_component"`   // part of a certificate's subject that is the user name
	ProxyDNs              []string `toml:"proxy_dns"`               // subjects that may log in other users
	ProxyPrincipals       []string `toml:"proxy_principals"`        // Kerberos principals that may
	AllowProxyAuthType    bool     `toml:"allow_proxy_auth_type"`   // and may say how those authenticated
	LoginCreatesUser      bool     `toml:"login_creates_user"`      // a verified but unknown user gets an account
	CheckClientIP         bool     `toml:"check_client_ip"`         // a session works only from where it was opened
	DisableURLSessions    bool     `toml:"disable_url_sessions"`    // refuse session keys in the URL, which old clients send
	SessionRenewalTimeout Duration `toml:"session_renewal_timeout"` // a session must be renewed by a login after this; 0 is never
	SessionMaxAge         Duration `toml:"session_max_age"`         // a session ends after this, renewed or not; 0 is never
	MaxLoginFailures      int      `toml:"max_login_failures"`      // wrong passwords for one user from one address; 0 for no limit
	LoginFailureWindow    Duration `toml:"login_failure_window"`    // for how long they count
	MaxTokenLifetime      Duration `toml:"max_token_lifetime"`      // of API tokens; 0 for any
	Keytab                string   `toml:"keytab"`                  // file with the key of HTTP/host, for logins by Kerberos; empty for none
	HostPrincipalFormat   string   `toml:"host_principal_format"`   // such as compile/%s@EXAMPLE.ORG
	AllowedKrbRealms      string   `toml:"allowed_krb_realms"`      // by comma; * for all

	TrustedProxies     []string `toml:"trusted_proxies"`      // addresses or networks of web servers before the hub, whose headers count:
	ProxyAddressHeader string   `toml:"proxy_address_header"` // addresses on the way, the client's first
	ProxyVerifyHeader  string   `toml:"proxy_verify_header"`  // SUCCESS if the client's certificate is good
	ProxyDNHeader      string   `toml:"proxy_dn_header"`      // its subject
	ProxyUserHeader    string   `toml:"proxy_user_header"`    // the Kerberos principal that the client has proven to be

	MaxNameLength int    `toml:"max_name_length_internal"` // of tags, targets, channels ...; 0 for no limit
	RegexName     string `toml:"regex_name_internal"`      // what such names look like; empty for anything
	RegexUserName string `toml:"regex_user_name"`          // what names of users look like; empty for anything

	EmailDomain          string   `toml:"email_domain"`
	NotifyOnSuccess      bool     `toml:"notify_on_success"`
	DisableNotifications bool     `toml:"disable_notifications"`
	MissingPolicyOK      bool     `toml:"missing_policy_ok"` // what no policy speaks of is allowed
	VerbosePolicy        bool     `toml:"verbose_policy"`    // refusals name the rule
	RPMDefaultChecksums  []string `toml:"rpm_default_checksums"`
	EnableMaven          bool     `toml:"enable_maven"`
	EnableWin            bool     `toml:"enable_win"`
}

func defaultHub() Hub {
	return Hub{
		Listen:                ":8080",
		TopDir:                "/mnt/koji",
		WebURL:                "http://localhost:8080",
		URL:                   "http://localhost:8080/kojihub",
		MaxRequestLength:      4 << 20,
		MaxUploadSize:         64 << 30,
		MaxCalls:              20_000,
		SlowCall:              Duration(time.Second),
		DNUsernameComponent:   "CN",
		ProxyDNs:              []string{},
		ProxyPrincipals:       []string{},
		LoginCreatesUser:      true,
		CheckClientIP:         true,
		SessionRenewalTimeout: Duration(24 * time.Hour),
		AllowedKrbRealms:      "*",
		MaxLoginFailures:      10,
		LoginFailureWindow:    Duration(5 * time.Minute),
		MaxTokenLifetime:      Duration(366 * 24 * time.Hour),
		TrustedProxies:        []string{},
		ProxyAddressHeader:    "X-Forwarded-For",
		ProxyVerifyHeader:     "X-SSL-Client-Verify",
		ProxyDNHeader:         "X-SSL-Client-S-DN",
		ProxyUserHeader:       "X-Remote-User",
		MaxNameLength:         256,
		RegexName:             `^[A-Za-z0-9/_.+-]+$`,
		RegexUserName:         `^[A-Za-z0-9/_.@-]+$`,
		NotifyOnSuccess:       true,
		MissingPolicyOK:       true,
		RPMDefaultChecksums:   []string{"md5", "sha256"},
	}
}

func (h *Hub) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("hub: "+format, args...))
		}
	}
	check(h.Listen != "" || h.ListenTLS != "", "neither listen nor listen_tls is set: nothing could reach the hub")
	check(h.ListenTLS == "" || h.TLSCert != "" && h.TLSKey != "", "listen_tls needs tls_cert and tls_key")
	check(h.ListenBuilders == "" || h.TLSCert != "" && h.TLSKey != "" && h.ClientCA != "",
		"listen_builders needs tls_cert, tls_key and client_ca: builders are told apart by their certificates")
	check(filepath.IsAbs(h.TopDir), "topdir %q is not an absolute path", h.TopDir)
	check(slices.Contains([]string{"CN", "O", "OU", "Email", "UID"}, h.DNUsernameComponent),
		"dn_username_component %q is none of CN, O, OU, Email, UID", h.DNUsernameComponent)
	check(h.MaxRequestLength > 0, "max_request_length must be positive")
	check(h.MaxUploadSize >= 0, "max_upload_size must not be negative")
	check(h.MaxCalls >= 0, "max_calls must not be negative")
	h.checkLogin(check)
	for key, re := range map[string]string{"regex_name_internal": h.RegexName, "regex_user_name": h.RegexUserName} {
		_, err := regexp.Compile(re)
		check(err == nil, "%s: %v", key, err)
	}
	return errors.Join(errs...)
}

// Scheduler configures how tasks get to hosts.
type Scheduler struct {
	MaxJobs            int            `toml:"max_jobs"`             // tasks on one host
	CapacityOvercommit float64        `toml:"capacity_overcommit"`  // load over capacity that a host may get
	ReadyTimeout       Duration       `toml:"ready_timeout"`        // a host not heard of for this long gets no tasks
	SoftRefusalTimeout Duration       `toml:"soft_refusal_timeout"` // how long a host's soft refusal counts
	Fairness           string         `toml:"fairness"`             // order within a priority: owner, or none for the oldest first
	OwnerTasks         int            `toml:"owner_tasks"`          // tasks on hosts for one owner; 0 for any number
	OwnerShare         float64        `toml:"owner_share"`          // part of the hosts of a channel and arch that one owner may have
	ChannelTasks       map[string]int `toml:"channel_tasks"`        // tasks on hosts for a channel, by its name
	QuarantineFailures int            `toml:"quarantine_failures"`  // troubles of a host in a row that put it in quarantine; 0 for never
	QuarantineFirst    Duration       `toml:"quarantine_first"`     // how long that lasts until a task may show that the host is well
	QuarantineLongest  Duration       `toml:"quarantine_longest"`   // it is twice as long each time that the task does not, up to this
	KeepLogs           Duration       `toml:"keep_logs"`            // of the scheduler
	KeepHistory        Duration       `toml:"keep_history"`         // runs, attempts and failures of tasks that ended
}

func defaultScheduler() Scheduler {
	return Scheduler{
		MaxJobs:            15,
		CapacityOvercommit: 5,
		ReadyTimeout:       Duration(3 * time.Minute),
		SoftRefusalTimeout: Duration(15 * time.Minute),
		Fairness:           "owner",
		OwnerShare:         1,
		ChannelTasks:       map[string]int{},
		QuarantineFailures: 3,
		QuarantineFirst:    Duration(10 * time.Minute),
		QuarantineLongest:  Duration(24 * time.Hour),
		KeepLogs:           Duration(7 * 24 * time.Hour),
		KeepHistory:        Duration(30 * 24 * time.Hour),
	}
}

func (s *Scheduler) validate() error {
	switch {
	case s.MaxJobs <= 0:
		return errors.New("scheduler: max_jobs must be positive")
	case s.Fairness != "owner" && s.Fairness != "none":
		return fmt.Errorf("scheduler: fairness %q is none of owner, none", s.Fairness)
	case !(s.OwnerShare > 0 && s.OwnerShare <= 1):
		return errors.New("scheduler: owner_share must be above 0 and not above 1")
	case s.OwnerTasks < 0:
		return errors.New("scheduler: owner_tasks must not be negative")
	case s.QuarantineFailures < 0:
		return errors.New("scheduler: quarantine_failures must not be negative")
	case s.QuarantineFirst <= 0 || s.QuarantineLongest < s.QuarantineFirst:
		return errors.New("scheduler: quarantine_first must be positive, and quarantine_longest not below it")
	}
	return nil
}

// Repo configures the requests for build repositories.
type Repo struct {
	MaxTasks           int      `toml:"max_tasks"`             // newRepo tasks at once
	Retries            int      `toml:"retries"`               // of a request that failed
	RequestCleanTime   Duration `toml:"request_clean_time"`    // done requests are forgotten after this
	Lifetime           Duration `toml:"repo_lifetime"`         // repositories that are not current expire after this, but the latest
	DistLifetime       Duration `toml:"dist_repo_lifetime"`    // the same for dist repos
	DeletedLifetime    Duration `toml:"deleted_repo_lifetime"` // files of repositories that were replaced stay for this long; 0 keeps them
	ExternalCheck      Duration `toml:"external_check"`        // how often external repositories are looked at; 0 for never
	AllowNewRepo       bool     `toml:"allow_new_repo"`        // may clients still call newRepo themselves
	Lag                Duration `toml:"lag"`                   // how old an event a request without one may get
	AutoLag            Duration `toml:"auto_lag"`              // the same for tags with repo.auto
	LagWindow          Duration `toml:"lag_window"`            // rounding of such events
	QueueUser          string   `toml:"queue_user"`            // owner of the tasks
	DebuginfoTags      []string `toml:"debuginfo_tags"`        // patterns of tags whose repositories hold debuginfo
	SourceTags         []string `toml:"source_tags"`           // source packages
	SeparateSourceTags []string `toml:"separate_source_tags"`  // source packages in a folder of their own
}

func defaultRepo() Repo {
	return Repo{
		DebuginfoTags:      []string{},
		SourceTags:         []string{},
		SeparateSourceTags: []string{},
		MaxTasks:           10,
		Retries:            3,
		RequestCleanTime:   Duration(24 * time.Hour),
		Lifetime:           Duration(7 * 24 * time.Hour),
		DistLifetime:       Duration(7 * 24 * time.Hour),
		DeletedLifetime:    Duration(7 * 24 * time.Hour),
		ExternalCheck:      Duration(time.Minute),
		AllowNewRepo:       true,
		Lag:                Duration(time.Hour),
		AutoLag:            Duration(2 * time.Hour),
		LagWindow:          Duration(10 * time.Minute),
		QueueUser:          "kojira",
	}
}
