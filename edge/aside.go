package edge

import (
	"limegrove/edge/auth"
	"limegrove/edge/dialect"
)

// aside is what few sessions have, and all for a moment.
type aside struct {
	instance string         // that the client has proposed; "" for none, and once it is somebody
	scheme   auth.Scheme    // by which it is to be let in; "" once it is
	renewal  *renewal       // nil when the authentication does not expire
	as       *dialect.Login // nil for a client of LIME
	visits   visits
	rights   rights
}

// none is what a session has aside that has nothing. It is not changed.
var none aside

// has returns what the session has aside, to be read.
func (s *session) has() *aside {
	if s.aside == nil {
		return &none
	}
	return s.aside
}

// gets returns it to be changed. tidy drops it.
func (s *session) gets() *aside {
	if s.aside == nil {
		s.aside = new(aside)
	}
	return s.aside
}

// tidy drops what the session has aside when that is nothing any more.
func (s *session) tidy() {
	a := s.aside
	if a != nil && a.instance == "" && a.scheme == "" && a.renewal == nil && a.as == nil && a.visits.none() && a.rights.none() {
		s.aside = nil
	}
}
