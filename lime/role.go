package lime

import "strings"

// Role is the authority that an identity has over its domain. It comes of the way
// in which a session was authenticated: a client cannot claim one (L-SES-32).
type Role string

// The roles, the lesser first. The zero Role is that of a member.
const (
	RoleMember        Role = "member"        // speaks for itself alone
	RoleAuthority     Role = "authority"     // for its domain
	RoleRootAuthority Role = "rootAuthority" // for its domain and those below it

	// RoleApplicant is ours and below a member: it has shown a certificate that all clients share, and may ask for
	// one of its own, and for nothing else.
	RoleApplicant Role = "applicant"
)

// Allows tells whether a session with that role may have a routing rule: L-RES-06.
func (r Role) Allows(rule RoutingRule) bool {
	switch rule {
	case RouteDomain:
		return r == RoleAuthority || r == RoleRootAuthority
	case RouteRootDomain:
		return r == RoleRootAuthority
	}
	return true
}

// Over tells whether an identity of domain own with this role has authority over a domain.
func (r Role) Over(own, domain string) bool {
	switch {
	case r != RoleAuthority && r != RoleRootAuthority, own == "":
		return false
	case strings.EqualFold(domain, own):
		return true
	}
	// Where the domain above begins: folded letters may take another number of bytes, and
	// then it is another domain.
	at := len(domain) - len(own)
	return r == RoleRootAuthority && at > 0 && domain[at-1] == '.' && strings.EqualFold(domain[at:], own)
}

// Rank is a Role in one byte, for those who keep many.
type Rank uint8

var ranks = [...]Role{"", RoleMember, RoleAuthority, RoleRootAuthority, RoleApplicant}

// Rank returns the rank of r; that of a role that does not exist is the zero Role's.
func (r Role) Rank() Rank {
	for i, one := range ranks {
		if one == r {
			return Rank(i)
		}
	}
	return 0
}

// Role returns the role of a rank.
func (k Rank) Role() Role { return ranks[k] }
