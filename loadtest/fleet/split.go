package fleet

import (
	"cmp"
	"net/netip"

	"limegrove/loadtest/scenario"
)

// MaxClients is how many a worker has at most, of the 20,000 descriptors that many systems allow a
// process.
const MaxClients = 18_000

// Split spreads a plan over workers: its clients, its pairs, its senders, and its rates of opening. The two
// clients of a pair are in one worker. Sources gives each worker the addresses that its clients
// come from, so that none has to share its ports; it may be nil.
func Split(all Plan, workers int, sources func(worker int) []netip.Addr) []Plan {
	plans := make([]Plan, workers)
	couples := (all.Clients + 1) / 2
	for w := range plans {
		p := all
		first, next := couples*w/workers, couples*(w+1)/workers
		p.Share.Worker, p.Share.Workers, p.Share.Servers = w, workers, len(all.Servers)
		p.Share.First, p.Clients = 2*first, min(2*next, all.Clients)-2*first
		if whole := all.Clients / 2; whole > 0 { // pairs are as many as their clients, in each worker
			p.Share.Pair = all.Load.Pairs * min(first, whole) / whole
			p.Share.Pairs = all.Load.Pairs*min(next, whole)/whole - p.Share.Pair
		}
		p.Share.All = all.Clients
		p.Share.Sender = all.Load.Senders * w / workers
		p.Share.Senders = all.Load.Senders*(w+1)/workers - p.Share.Sender
		p.Rate = all.Rate * float64(p.Clients) / float64(max(all.Clients, 1))
		p.Share.Near = all.Opening > 0
		p.AtOnce = max(1, all.AtOnce/min(cmp.Or(all.Opening, workers), workers))
		if sources != nil {
			p.Sources = sources(w)
		}
		plans[w] = p
	}
	return plans
}

// Attackers is the plan of the worker behind so many others that has all who attack: the servers of all, unless there are
// others to be attacked.
func Attackers(all Plan, attacked []netip.AddrPort, kind scenario.Kind, workers int, sources func(worker int) []netip.Addr) Plan {
	p := all
	p.Clients = kind.Sessions(all.Load.Attackers)
	if len(attacked) > 0 {
		p.Servers = attacked
	}
	p.Share = scenario.Share{Workers: 1, First: all.Clients, All: all.Clients, Servers: len(p.Servers), Attacks: true}
	if sources != nil {
		p.Sources = sources(workers)
	}
	return p
}
