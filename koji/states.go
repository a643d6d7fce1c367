package koji

import (
	"slices"
	"strconv"
)

// APIVersion is the version of the protocol that getAPIVersion answers with.
const APIVersion = 1

// PriorityDefault is the priority of a task whose creator gave none; smaller
// numbers run first.
const PriorityDefault = 20

// TaskState is the state of a task as column task.state has it.
type TaskState int

// The task states.
const (
	TaskFree     TaskState = iota // waits for a host
	TaskOpen                      // a host works on it
	TaskClosed                    // finished, with a result
	TaskCanceled                  // stopped on request
	TaskAssigned                  // given to a host that has not opened it yet
	TaskFailed                    // finished, with a fault
)

var taskStates = []string{"FREE", "OPEN", "CLOSED", "CANCELED", "ASSIGNED", "FAILED"}

// String returns Koji's name of the state, such as "FREE".
func (s TaskState) String() string { return enumName(taskStates, int(s)) }

// Finished reports whether a task in this state will never run again.
func (s TaskState) Finished() bool {
	return s == TaskClosed || s == TaskCanceled || s == TaskFailed
}

// BuildState is the state of a build as column build.state has it.
type BuildState int

// The build states.
const (
	BuildBuilding BuildState = iota
	BuildComplete
	BuildDeleted
	BuildFailed
	BuildCanceled
)

var buildStates = []string{"BUILDING", "COMPLETE", "DELETED", "FAILED", "CANCELED"}

// String returns Koji's name of the state, such as "COMPLETE".
func (s BuildState) String() string { return enumName(buildStates, int(s)) }

// ParseBuildState finds a build state by its name.
func ParseBuildState(name string) (BuildState, bool) {
	return enumValue[BuildState](buildStates, name)
}

// RepoState is the state of a repository as column repo.state has it.
type RepoState int

// The repository states.
const (
	RepoInit    RepoState = iota // being generated
	RepoReady                    // current when it was made, free to use
	RepoExpired                  // its tag has moved on; still intact on disk
	RepoDeleted                  // gone from disk, or about to
	RepoProblem                  // generating it failed
)

var repoStates = []string{"INIT", "READY", "EXPIRED", "DELETED", "PROBLEM"}

// String returns Koji's name of the state, such as "READY".
func (s RepoState) String() string { return enumName(repoStates, int(s)) }

// BuildrootState is the state of a standard buildroot.
type BuildrootState int

// The buildroot states.
const (
	BuildrootInit BuildrootState = iota
	BuildrootWaiting
	BuildrootBuilding
	BuildrootExpired
)

var buildrootStates = []string{"INIT", "WAITING", "BUILDING", "EXPIRED"}

// String returns Koji's name of the state, such as "BUILDING".
func (s BuildrootState) String() string { return enumName(buildrootStates, int(s)) }

// ParseBuildrootState finds a buildroot state by its name.
func ParseBuildrootState(name string) (BuildrootState, bool) {
	return enumValue[BuildrootState](buildrootStates, name)
}

// BuildrootType tells buildroots of this system's hosts from those that a
// content generator reported.
type BuildrootType int

// The buildroot types.
const (
	BuildrootStandard BuildrootType = iota
	BuildrootExternal
)

// String returns Koji's name of the type, such as "STANDARD".
func (t BuildrootType) String() string { return enumName([]string{"STANDARD", "EXTERNAL"}, int(t)) }

// UserType is what kind of account a user is, column users.usertype.
type UserType int

// The user types.
const (
	UserNormal UserType = iota
	UserHost
	UserGroup
)

// String returns Koji's name of the type, such as "HOST".
func (t UserType) String() string { return enumName([]string{"NORMAL", "HOST", "GROUP"}, int(t)) }

// UserStatus tells whether a user may log in, column users.status.
type UserStatus int

// The user statuses.
const (
	UserActive UserStatus = iota // Koji's NORMAL
	UserBlocked
)

// String returns Koji's name of the status, such as "BLOCKED".
func (s UserStatus) String() string { return enumName([]string{"NORMAL", "BLOCKED"}, int(s)) }

// AuthType is the way a session was authenticated, column sessions.authtype.
type AuthType int

// The ways to authenticate.
const (
	AuthNormal AuthType = iota // user and password
	AuthKerberos
	AuthSSL
	AuthGSSAPI
)

// String returns Koji's name of the type, such as "SSL".
func (t AuthType) String() string {
	return enumName([]string{"NORMAL", "KERBEROS", "SSL", "GSSAPI"}, int(t))
}

// ChecksumType is the algorithm of an archive's or RPM's checksum.
type ChecksumType int

// The checksum types.
const (
	ChecksumMD5 ChecksumType = iota
	ChecksumSHA1
	ChecksumSHA256
)

var checksumTypes = []string{"md5", "sha1", "sha256"}

// String returns Koji's name of the algorithm, such as "sha256".
func (t ChecksumType) String() string { return enumName(checksumTypes, int(t)) }

// ParseChecksumType finds a checksum type by its name.
func ParseChecksumType(name string) (ChecksumType, bool) {
	return enumValue[ChecksumType](checksumTypes, name)
}

// TagUpdateType tells why a tag's content changed without a tag operation,
// column tag_updates.update_type.
type TagUpdateType int

// The tag update types.
const (
	TagUpdateVolumeChange TagUpdateType = iota
	TagUpdateImport
	TagUpdateManual
	TagUpdateDraftPromotion
)

// String returns Koji's name of the type, such as "MANUAL".
func (t TagUpdateType) String() string {
	return enumName([]string{"VOLUME_CHANGE", "IMPORT", "MANUAL", "DRAFT_PROMOTION"}, int(t))
}

// DepType is the kind of an RPM dependency in getRPMDeps.
type DepType int

// The kinds of dependencies.
const (
	DepRequire DepType = iota
	DepProvide
	DepObsolete
	DepConflict
	DepSuggest
	DepEnhance
	DepSupplement
	DepRecommend
)

// Comparison bits of an RPM dependency's flags.
const (
	SenseLess    = 2
	SenseGreater = 4
	SenseEqual   = 8
)

// RepoMergeModes are the ways an external repository may be merged into a tag's
// repository.
var RepoMergeModes = []string{"koji", "simple", "bare"}

// enumName returns the nth name, or the number itself if there is none.
func enumName(names []string, n int) string {
	if n < 0 || n >= len(names) {
		return strconv.Itoa(n)
	}
	return names[n]
}

// enumValue finds the value whose name is name.
func enumValue[T ~int](names []string, name string) (T, bool) {
	i := slices.Index(names, name)
	return T(i), i >= 0
}
