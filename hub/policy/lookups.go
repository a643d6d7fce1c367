package policy

import (
	"context"

	"github.com/toji-build/toji/koji"
)

// Lookups answer what tests ask of the database. What a caller names goes in as
// it was given: an id (int64), a name, or a map off the wire. A missing function
// is an error when a test needs it.
type Lookups struct {
	User           func(ctx context.Context, ref any) (*User, error) // nil for none
	Perms          func(ctx context.Context, userID int64) ([]string, error)
	Groups         func(ctx context.Context, userID int64) ([]Group, error)
	Package        func(ctx context.Context, ref any) (*Package, error) // nil for none
	Build          func(ctx context.Context, ref any) (*Build, error)   // none is an error
	BuildTags      func(ctx context.Context, buildID int64) ([]string, error)
	BuildTypes     func(ctx context.Context, buildID int64) ([]string, error)
	Buildroots     func(ctx context.Context, buildID int64) ([]*int64, error) // of each RPM and archive
	Buildroot      func(ctx context.Context, id int64) (*Buildroot, error)    // none is an error
	Tag            func(ctx context.Context, ref any) (*Tag, error)           // nil for none
	AnyTag         func(ctx context.Context, ref any) (*Tag, error)           // even a deleted one, as it was last; nil for none
	SideTag        func(ctx context.Context, ref any) (*SideTag, error)       // nil for other tags and none
	TagAncestors   func(ctx context.Context, tag Tag) ([]string, error)       // whatever the tag inherits from
	TargetBuildTag func(ctx context.Context, ref any) (*Tag, error)           // nil for none
	Volume         func(ctx context.Context, ref any) (string, error)         // "" for none
	TaskSource     func(ctx context.Context, taskID int64) (string, error)    // "" if the task has none
}

// User is a user, a host or a group.
type User struct {
	ID   int64
	Name string
	Type koji.UserType
}

// Group is a group that a user is in.
type Group struct {
	ID   int64
	Name string
}

// Package is a package; one that does not exist yet has the ID 0.
type Package struct {
	ID   int64
	Name string
}

// Build is a build.
type Build struct {
	ID, PackageID          int64
	Name, Version, Release string
	OwnerID                int64
	OwnerType              koji.UserType
	Volume                 string
	Source                 string // "" if not known
	TaskID                 *int64
	Draft                  bool
}

// Tag is a tag, at an event if that is not now.
type Tag struct {
	ID    int64
	Name  string
	Event *int64
}

// SideTag is a tag that a user made for itself.
type SideTag struct{ OwnerID int64 }

// Buildroot is where something was built.
type Buildroot struct {
	CG  string // content generator, if one reported it
	Tag *Tag   // what its repository was made of, at the repository's event
}
