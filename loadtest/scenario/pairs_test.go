package scenario

import (
	"slices"
	"testing"
	"time"
)

func TestPairsAreOnDifferentServers(t *testing.T) {
	for _, c := range []struct{ pairs, clients, servers int }{{10, 20, 2}, {10, 20, 12}, {30, 500, 2}, {30, 501, 60}, {5, 10, 1}} {
		s := Share{First: 40, Pairs: c.pairs, Servers: c.servers}
		seen := map[int32]bool{}
		for _, pair := range choose(s, candidates(c.clients)) {
			for _, i := range pair {
				if seen[i] || i < 0 || int(i) >= c.clients {
					t.Errorf("%+v: client %d is in two pairs, or is none", c, i)
				}
				seen[i] = true
			}
			if a, b := s.Server(s.First+int(pair[0])), s.Server(s.First+int(pair[1])); a == b && c.servers > 1 {
				t.Errorf("%+v: both of %v are on server %d", c, pair, a)
			}
		}
		if len(seen) != 2*c.pairs {
			t.Errorf("%+v: %d are in pairs", c, len(seen))
		}
	}
}

func TestServersGetAsManyClients(t *testing.T) {
	const clients = 240
	for _, servers := range []int{1, 2, 3, 12, 60} {
		s := Share{Servers: servers, All: clients}
		count, senders := make([]int, servers), make([]int, servers)
		for i := range clients {
			count[s.Server(i)]++
			if i%2 == 0 {
				senders[s.Server(i)]++
			}
		}
		if slices.Min(count) != clients/servers || slices.Max(count) != clients/servers || slices.Max(senders) != clients/2/servers {
			t.Errorf("of %d servers each has %v, of whom %v send", servers, count, senders)
		}
	}
}

func TestNeighboursAreOnFewServers(t *testing.T) {
	const clients = 240_000
	for _, servers := range []int{1, 3, 4, 7, 8, 12, 60, 61} {
		s := Share{Servers: servers, All: clients, Near: true}
		count := make([]int, servers)
		for i := 0; i < clients; i += 2 {
			a, b := s.Server(i), s.Server(i+1)
			if a == b && servers > 1 {
				t.Fatalf("both of pair %d are on server %d of %d", i/2, a, servers)
			}
			count[a]++
			count[b]++
		}
		if least, most := clients/servers-8, clients/servers+8; slices.Min(count) < least || slices.Max(count) > most {
			t.Errorf("of %d servers each has %v", servers, count)
		}
		near := map[int]bool{}
		for i := range clients / max(servers/serversNear, 1) / 4 {
			near[s.Server(i)] = true
		}
		if len(near) >= 2*serversNear {
			t.Errorf("of %d servers the first quarter of a group is on %d", servers, len(near))
		}
	}
}

// TestWorkersTakeTurns: what is due at all of them together is due at even times, whatever their shares
// and however seldom each looks.
func TestWorkersTakeTurns(t *testing.T) {
	c := Course{Start: time.Second, End: 3 * time.Second}
	for _, looks := range []time.Duration{time.Millisecond, 300 * time.Millisecond} {
		var all []time.Duration
		for w := range 4 {
			p := newPace(100, 0.25, c, Share{Worker: w, Workers: 4})
			for now := c.Start - looks; now < c.End+looks; now += looks {
				for _, due := range p.due(now) {
					if due > now {
						t.Fatalf("what is due at %s is sent at %s", due, now)
					}
					all = append(all, due)
				}
			}
		}
		slices.Sort(all)
		if len(all) != 200 || all[0] != c.Start {
			t.Fatalf("%d are due in 2 s at 100/s, the first one at %s", len(all), all[0])
		}
		for i := range all[1:] {
			if gap := all[i+1] - all[i]; (gap - 10*time.Millisecond).Abs() > time.Microsecond {
				t.Errorf("%s lie between the messages %d and %d", gap, i, i+1)
			}
		}
	}
}

func TestRateIsHeldWhenTheBacklogDoesNotGrow(t *testing.T) {
	result := func(backlog func(i int) int64) *Result {
		r := new(Result)
		for i := range samples {
			r.Backlog = append(r.Backlog, backlog(i))
		}
		return r
	}
	const due = 100_000
	for name, c := range map[string]struct {
		backlog func(i int) int64
		held    bool
	}{
		"none":                {func(int) int64 { return 0 }, true},
		"always much":         {func(int) int64 { return 5000 }, true},
		"comes and goes":      {func(i int) int64 { return int64(i % 2 * 3000) }, true},
		"grows by 5 in 100":   {func(i int) int64 { return int64(i) * due / 20 / samples }, false},
		"grows by 1 in 1,000": {func(i int) int64 { return int64(i) * due / 1000 / samples }, true},
	} {
		if got := result(c.backlog).Held(due); got != c.held {
			t.Errorf("%s: held is %t", name, got)
		}
	}
	if r := result(func(int) int64 { return 0 }); func() bool { r.Unsent = 1; return r.Held(due) }() {
		t.Error("it is held though something could not be sent")
	}
}
