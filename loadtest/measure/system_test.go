package measure

import (
	"net/netip"
	"strings"
	"testing"

	"limegrove/loadtest/fleet"
)

func TestWorkersHaveAddressesOfTheirOwn(t *testing.T) {
	of := sources([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:80")})
	seen := map[netip.Addr]bool{}
	for w := range maxWorkers {
		for _, a := range of(w) {
			if seen[a] || !a.IsLoopback() {
				t.Errorf("worker %d has %s", w, a)
			}
			seen[a] = true
		}
	}
	if sources([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:80"), netip.MustParseAddrPort("192.0.2.1:80")}) != nil {
		t.Error("clients of servers elsewhere come from the loopback network")
	}
}

func TestTooSmallASystemIsToldBefore(t *testing.T) {
	at := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:80")}
	if err := checkSystem(&fleet.Plan{Clients: 1000, AtOnce: 64, Servers: at}, 1); err != nil {
		t.Error(err)
	}
	for want, c := range map[string]struct{ clients, workers int }{
		"workers": {5_000_000, 300},
		"ulimit":  {100_000_000, 1},
	} {
		err := checkSystem(&fleet.Plan{Clients: c.clients, AtOnce: 64, Servers: at}, c.workers)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d clients of %d workers: %v", c.clients, c.workers, err)
		}
	}
	elsewhere := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:80")}
	if err := checkSystem(&fleet.Plan{Clients: 100_000, AtOnce: 64, Servers: elsewhere}, 10); err == nil || !strings.Contains(err.Error(), "ip_local_port_range") {
		t.Errorf("more clients than ports: %v", err)
	}
}
