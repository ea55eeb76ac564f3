package fleet

import (
	"net/netip"
	"testing"

	"limegrove/loadtest/scenario"
)

// TestSplitGivesEverythingToSomebodyOnce: clients, pairs and senders are numbered without gaps, and
// rates add up.
func TestSplitGivesEverythingToSomebodyOnce(t *testing.T) {
	for _, c := range []struct{ clients, pairs, senders, workers int }{
		{1, 0, 1, 1}, {20, 10, 3, 3}, {21, 10, 1, 4}, {1_000_001, 1000, 7, 56}, {2000, 1000, 0, 1},
	} {
		all := Plan{Clients: c.clients, Rate: 1000, AtOnce: 64, Servers: make([]netip.AddrPort, 2)}
		all.Load = scenario.Load{Pairs: c.pairs, Senders: c.senders}
		clients, pairs, senders, rate := 0, 0, 0, 0.0
		for w, p := range Split(all, c.workers, func(w int) []netip.Addr { return make([]netip.Addr, w) }) {
			s := p.Share
			if s.First != clients || s.Pair != pairs || s.Sender != senders || s.First%2 != 0 {
				t.Errorf("%+v: worker %d begins with client %d, pair %d and sender %d", c, w, s.First, s.Pair, s.Sender)
			}
			if p.Clients > MaxClients || p.Clients < 2*s.Pairs || s.Worker != w || s.Workers != c.workers || s.All != c.clients || s.Servers != 2 || len(p.Sources) != w {
				t.Errorf("%+v: worker %d has %d clients and %+v", c, w, p.Clients, s)
			}
			clients, pairs, senders, rate = clients+p.Clients, pairs+s.Pairs, senders+s.Senders, rate+p.Rate
		}
		if clients != c.clients || pairs != c.pairs || senders != c.senders || rate < 999 || rate > 1001 {
			t.Errorf("%+v: there are %d clients, %d pairs, %d senders, %g/s", c, clients, pairs, senders, rate)
		}
	}
}
