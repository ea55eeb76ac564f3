package edge

import (
	"github.com/gobwas/httphead"
	"github.com/gobwas/ws/wsflate"
)

// allBits is the largest window, which is ours: RFC 7692, section 7.1.2.
const allBits = 15

// negotiation answers what one client offers as extensions.
type negotiation struct{ agreed bool }

// accept takes one offer, which are in the client's order, and returns what is agreed on: the first offer of
// permessage-deflate that we can keep to, and nothing else. What is not accepted is declined without an
// error. RFC 7692, sections 5.1 and 7.1.
func (n *negotiation) accept(offer httphead.Option) (httphead.Option, error) {
	none := httphead.Option{}
	if n.agreed || string(offer.Name) != wsflate.ExtensionName || !wellFormed(&offer.Parameters) {
		return none, nil
	}
	var asked wsflate.Parameters
	if asked.Parse(offer) != nil { // a parameter, or a value, that there is not
		return none, nil
	}
	// The client's own window is its business: ours is the largest.
	if asked.ServerMaxWindowBits.Defined() && asked.ServerMaxWindowBits != allBits {
		return none, nil // what compresses here looks back further
	}
	n.agreed = true
	return wsflate.Parameters{
		ServerNoContextTakeover: true, ClientNoContextTakeover: true, ServerMaxWindowBits: asked.ServerMaxWindowBits,
	}.Option(), nil
}

// wellFormed tells what wsflate lets pass: a parameter without a value that is there twice, and a number that
// begins with a zero.
func wellFormed(p *httphead.Parameters) bool {
	seen, ok := map[string]bool{}, true
	p.ForEach(func(key, value []byte) bool {
		ok = !seen[string(key)] && (len(value) == 0 || value[0] != '0')
		seen[string(key)] = true
		return ok
	})
	return ok
}
