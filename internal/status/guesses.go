package status

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

const (
	guessesAtOnce = 5
	guessTime     = 10 * time.Second // for each guess more
	maxGuessers   = 1024             // that are remembered
)

// guesses are the limits of those who have sent wrong tokens.
type guesses map[netip.Prefix]*rate.Limiter

// origin is whose guesses are counted together: an address's, or all those of a network of IPv6 that one host may have.
func origin(remote string) netip.Prefix {
	at, _ := netip.ParseAddrPort(remote) // what is none is one origin
	from, bits := at.Addr().Unmap().WithZone(""), 32
	if from.Is6() {
		bits = 64
	}
	p, _ := from.Prefix(bits)
	return p
}

// tooMany tells whether the next one has to wait.
func (g guesses) tooMany(from netip.Prefix, now time.Time) bool {
	limit := g[from]
	return limit != nil && limit.TokensAt(now) < 1
}

// add counts a wrong token.
func (g guesses) add(from netip.Prefix, now time.Time) {
	limit := g[from]
	if limit == nil {
		if len(g) >= maxGuessers {
			g.forget(now)
		}
		limit = rate.NewLimiter(rate.Every(guessTime), guessesAtOnce)
		g[from] = limit
	}
	limit.AllowN(now, 1)
}

// forget makes room: those go who may guess as if they never had, and if there are none, who is nearest to that.
func (g guesses) forget(now time.Time) {
	most, who := -1.0, netip.Prefix{}
	for from, limit := range g {
		left := limit.TokensAt(now)
		if left >= guessesAtOnce {
			delete(g, from)
		}
		if left > most {
			most, who = left, from
		}
	}
	delete(g, who)
}
