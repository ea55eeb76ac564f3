package edge

import (
	"sync"

	"limegrove/lime"
)

// presences remembers what texts mean that say no more than many others do: hardly any session that begins sets a
// presence of its own.
type presences struct {
	mu  sync.RWMutex
	all map[string]*lime.Presence // of clients' texts
}

const (
	// maxPresences and maxPresenceText bound what is remembered. Clients may write the same in any number of ways.
	maxPresences    = 64
	maxPresenceText = 128
)

// parse is lime.ParsePresence. Nobody may change what it returns.
func (p *presences) parse(text []byte) (*lime.Presence, error) {
	p.mu.RLock()
	known := p.all[string(text)]
	p.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	given, err := lime.ParsePresence(text)
	if err != nil {
		return nil, err
	}
	if len(text) <= maxPresenceText && given.Message == "" && given.Priority == 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.all == nil {
			p.all = map[string]*lime.Presence{}
		}
		if len(p.all) < maxPresences {
			p.all[string(text)] = &given
		}
	}
	return &given, nil
}
