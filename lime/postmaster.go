package lime

import (
	"slices"
	"strings"
)

// Postmaster is the name of a domain's server, whose address is
// postmaster@domain (L-CMD-05). Nobody can log in with it.
const Postmaster = "postmaster"

// IsPostmaster tells whether name is that of a domain's server, in any case. It
// does not allocate.
func IsPostmaster[S string | []byte](name S) bool {
	// A folded letter may take another number of bytes: ſ is an s.
	return len(name) <= 2*len(Postmaster) && strings.EqualFold(string(name), Postmaster)
}

// backendMark begins the instances of a domain's server at which a platform's backend hears
// what becomes of what it has sent.
const backendMark = '~'

// BackendNode is the node at which one router speaks for the backends of a domain, run being
// the router's incarnation. The domain is a served one.
func BackendNode(domain, run string) Node {
	return Node{Identity: Identity{Name: Postmaster, Domain: domain}, Instance: string(backendMark) + run}
}

// IsBackend tells whether an address of a domain's server is that of a backend.
func IsBackend(v NodeView) bool {
	return len(v.Instance) > 0 && v.Instance[0] == backendMark && IsPostmaster(v.Name)
}

// ServerNode is the node under which the process id speaks to whoever is of a domain: as
// the server of that domain, or, when it is none of those that are served, of the first of
// these. Without any it is taken for served.
func ServerNode(served []string, domain, id string) Node {
	known := func(d string) bool { return strings.EqualFold(d, domain) }
	if len(served) > 0 && !slices.ContainsFunc(served, known) {
		domain = served[0]
	}
	n := Node{Identity: Identity{Name: Postmaster, Domain: domain}}
	if id != "" {
		n.Instance = "#" + id
	}
	return n
}
