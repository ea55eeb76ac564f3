package lime

// Role is the authority that an identity has over its domain. It comes of the way
// in which a session was authenticated: a client cannot claim one (L-SES-32).
type Role string

// The roles, the lesser first. The zero Role is that of a member.
const (
	RoleMember        Role = "member"        // speaks for itself alone
	RoleAuthority     Role = "authority"     // for its domain
	RoleRootAuthority Role = "rootAuthority" // for its domain and those below it
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
