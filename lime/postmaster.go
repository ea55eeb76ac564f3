package lime

import "strings"

// Postmaster is the name of a domain's server, whose address is
// postmaster@domain (L-CMD-05). Nobody can log in with it.
const Postmaster = "postmaster"

// IsPostmaster tells whether name is that of a domain's server, in any case. It
// does not allocate.
func IsPostmaster[S string | []byte](name S) bool {
	// A folded letter may take another number of bytes: ſ is an s.
	return len(name) <= 2*len(Postmaster) && strings.EqualFold(string(name), Postmaster)
}
