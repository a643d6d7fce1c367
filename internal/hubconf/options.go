package hubconf

// target is where an option of Koji's goes.
type target struct {
	key  string // SECTION.KEY of Toji's configuration; "" if the option has no meaning there
	form form
	why  string // why it has no meaning, or what to see to
}

// form is how an option's value is written.
type form int

const (
	text    form = iota
	boolean      // as Python's configparser reads it
	number
	seconds // a duration, in Toji's configuration with its unit
	minutes
	hours
	words  // a list, by blanks
	commas // a list, by commas
	bars   // a list, by |
	level  // Python's name of a log level
)

// options are those of hub.conf, by their names in lower case.
var options = map[string]target{
	"kojidir":              {"hub.topdir", text, ""},
	"kojiweburl":           {"hub.weburl", text, ""},
	"emaildomain":          {"hub.email_domain", text, ""},
	"notifyonsuccess":      {"hub.notify_on_success", boolean, ""},
	"disablenotifications": {"hub.disable_notifications", boolean, ""},

	"proxyprincipals":       {"hub.proxy_principals", commas, ""},
	"hostprincipalformat":   {"hub.host_principal_format", text, ""},
	"allowedkrbrealms":      {"hub.allowed_krb_realms", text, ""},
	"disableurlsessions":    {"hub.disable_url_sessions", boolean, ""},
	"dnusernamecomponent":   {"hub.dn_username_component", text, ""},
	"proxydns":              {"hub.proxy_dns", bars, ""},
	"checkclientip":         {"hub.check_client_ip", boolean, ""},
	"logincreatesuser":      {"hub.login_creates_user", boolean, ""},
	"allowproxyauthtype":    {"hub.allow_proxy_auth_type", boolean, ""},
	"sessionrenewaltimeout": {"hub.session_renewal_timeout", minutes, ""},

	"verbosepolicy":         {"hub.verbose_policy", boolean, ""},
	"missingpolicyok":       {"hub.missing_policy_ok", boolean, ""},
	"enablemaven":           {"hub.enable_maven", boolean, ""},
	"enablewin":             {"hub.enable_win", boolean, ""},
	"maxrequestlength":      {"hub.max_request_length", number, ""},
	"lockout":               {"hub.lockout", boolean, ""},
	"serveroffline":         {"hub.server_offline", boolean, ""},
	"offlinemessage":        {"hub.offline_message", text, ""},
	"maxnamelengthinternal": {"hub.max_name_length_internal", number, ""},
	"regexnameinternal":     {"hub.regex_name_internal", text, ""},
	"regexusername":         {"hub.regex_user_name", text, ""},
	"rpmdefaultchecksums":   {"hub.rpm_default_checksums", words, ""},

	"loglevel":      {"log.level", level, ""},
	"logformat":     {why: "the log is structured, see log.format"},
	"kojidebug":     {why: "set log.level to debug, and hub.verbose_policy"},
	"kojitraceback": {why: "clients never get to see a trace"},

	"maxjobs":            {"scheduler.max_jobs", number, ""},
	"capacityovercommit": {"scheduler.capacity_overcommit", number, ""},
	"readytimeout":       {"scheduler.ready_timeout", seconds, ""},
	"softrefusaltimeout": {"scheduler.soft_refusal_timeout", seconds, ""},
	"assigntimeout":      {why: "a builder that does not take its task is noticed by Temporal"},
	"hosttimeout":        {why: "a builder that is gone is noticed by its heartbeats"},
	"runinterval":        {why: "the scheduler runs when something has changed"},

	"maxrepotasks":       {"repo.max_tasks", number, ""},
	"maxrepotasksmaven":  {why: "all repositories count alike, see repo.max_tasks"},
	"reporetries":        {"repo.retries", number, ""},
	"requestcleantime":   {"repo.request_clean_time", minutes, ""},
	"allownewrepo":       {"repo.allow_new_repo", boolean, ""},
	"repolag":            {"repo.lag", seconds, ""},
	"repoautolag":        {"repo.auto_lag", seconds, ""},
	"repolagwindow":      {"repo.lag_window", seconds, ""},
	"repoqueueuser":      {"repo.queue_user", text, ""},
	"debuginfotags":      {"repo.debuginfo_tags", words, ""},
	"sourcetags":         {"repo.source_tags", words, ""},
	"separatesourcetags": {"repo.separate_source_tags", words, ""},

	"memorywarnthreshold": {why: "processes tell of their memory in the metrics"},
	"rlimit_as":           {why: limits}, "rlimit_core": {why: limits}, "rlimit_cpu": {why: limits}, "rlimit_data": {why: limits},
	"rlimit_fsize": {why: limits}, "rlimit_memlock": {why: limits}, "rlimit_nofile": {why: limits}, "rlimit_nproc": {why: limits},
	"rlimit_ofile": {why: limits}, "rlimit_rss": {why: limits}, "rlimit_stack": {why: limits},

	// Those of the database and the plugins are read together, see Import.
	"dbname": {}, "dbuser": {}, "dbhost": {}, "dbport": {}, "dbpass": {}, "dbconnectionstring": {},
	"plugins":    {},
	"pluginpath": {why: "there are no plugins to load"},
}

const limits = "limits of the process belong into the systemd unit"

// plugins says what becomes of the hub plugins that come with Koji.
var plugins = map[string]string{
	"echo":             "the method echo is always there",
	"protonmsg":        "messages.enabled is set; a relay reads them with `toji messages tail`",
	"runroot_hub":      "the method runroot is always there",
	"save_failed_tree": "the method saveFailedTree is always there; its options go to [save_failed_tree]",
	"sidetag_hub":      "the methods of side tags are always there; their options go to [sidetag]",
}

// pluginOptions are the options of the plugins' own files, by file, section and
// name.
var pluginOptions = map[string]map[string]map[string]target{
	"sidetag.conf": {"sidetag": {
		"remove_empty":     {"sidetag.remove_empty", boolean, ""},
		"allowed_suffixes": {"sidetag.allowed_suffixes", commas, ""},
		"name_template":    {"sidetag.name_template", text, ""},
		"trigger_new_repo": {"sidetag.trigger_new_repo", boolean, ""},
	}},
	"save_failed_tree.conf": {"permissions": {
		"allowed_methods": {"save_failed_tree.allowed_methods", commas, ""},
	}},
	"protonmsg.conf": {
		"message": {"extra_limit": {"messages.extra_limit", number, ""}, "ttl": {why: relay}},
		"queue": {
			"enabled": {why: "messages are always queued"}, "batch_size": {why: relay},
			"max_age": {"messages.max_age", hours, ""}, "age": {"messages.max_age", hours, ""},
		},
		"broker": {
			"urls": {why: relay}, "cert": {why: relay}, "cacert": {why: relay}, "topic_prefix": {why: relay},
			"connect_timeout": {why: relay}, "send_timeout": {why: relay}, "test_mode": {why: relay}, "test_mode_fail": {why: relay},
		},
	},
}

const relay = "for the relay that reads `toji messages tail`"
