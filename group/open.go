package group

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/document"
	"limegrove/lime"
)

// Defaults of Config.
const (
	DefaultMaxMembers = 5000
	DefaultMaxGroups  = 1000
)

// Config is what a Store is made of.
type Config struct {
	JetStream jetstream.JetStream // required; it stays the caller's

	// Replicas of the buckets, where they are made. Default 1.
	Replicas int

	// MaxMembers is how many members a group has; each of its messages is stored as many
	// times. It may be passed by as many as join at the same moment. Default
	// DefaultMaxMembers.
	MaxMembers int

	// MaxGroups is how many groups an identity is in that it has made or joined itself, and
	// how many that others have put it into, likewise. Default DefaultMaxGroups.
	MaxGroups int
}

// Store is the groups of the whole cluster; every process has its own Store. It has no
// goroutine and nothing to close. Errors that are for whoever asks match *lime.Reason.
type Store struct {
	maxMembers  atomic.Int64
	maxGroups   atomic.Int64
	groups      *document.Bucket
	memberships *document.Bucket
	temporary   *document.Bucket
}

// Open makes the buckets that are missing; see document.Open.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := new(Store)
	s.SetBounds(cfg.MaxMembers, cfg.MaxGroups)
	for name, b := range map[string]**document.Bucket{
		"groups": &s.groups, "memberships": &s.memberships, "temporary": &s.temporary,
	} {
		var err error
		if *b, err = document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: name, Replicas: cfg.Replicas}); err != nil {
			return nil, fmt.Errorf("open groups: %w", err)
		}
	}
	return s, nil
}

// SetBounds puts another MaxMembers and MaxGroups in force, for those who join from then on. It may be called from anywhere.
func (s *Store) SetBounds(maxMembers, maxGroups int) {
	if maxMembers <= 0 {
		maxMembers = DefaultMaxMembers
	}
	if maxGroups <= 0 {
		maxGroups = DefaultMaxGroups
	}
	s.maxMembers.Store(int64(maxMembers))
	s.maxGroups.Store(int64(maxGroups))
}

// Reasons that are given often. They are not changed.
var (
	ErrNotFound  = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "There is no such group"}
	ErrNoMember  = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "There is no such member"}
	ErrExists    = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The group exists already"}
	ErrLastOwner = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "A group has an owner: name another first, or delete the group"}
	errPromoted  = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The member has become an owner; look again"}
	errFull      = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "The group has as many members as a group may have"}
	errTooMany   = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "The identity is in as many groups as one may be in"}
	errSilent    = &lime.Reason{Code: lime.CodeAuthorizationPermissionRequired, Description: "Only members of the group send to it, and not those who listen"}
	errOwners    = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "The group has as many owners as a group may have"}

	errNoDestination = &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "There is no such group"}
)
