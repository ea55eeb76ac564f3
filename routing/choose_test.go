package routing

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// The rules are tried on views: sessions of one identity on up to three edges, each of
// which has a hub of its own and decides for its own sessions. What they have chosen
// together is compared with an oracle, which knows of no edges.

// said is one session of a view.
type said struct {
	name  string // its instance
	edge  presence.EdgeID
	p     *lime.Presence
	guest bool
	since uint64
}

const (
	viewIdentity = "bot@t.org"
	nobody       = "nobody"
)

// zones are where the edges of views are.
var zones = map[presence.EdgeID]string{"a": "north", "b": "north", "c": "south"}

func zoneOf(e presence.EdgeID) string {
	return zones[presence.EdgeID(strings.TrimPrefix(string(e), "inc-"))]
}

// chooseView is an identity's sessions as each edge has them.
type chooseView struct {
	all  []said
	hubs map[presence.EdgeID]*hub
	turn turn
}

func newChooseView(t testing.TB, all []said) *chooseView {
	v := &chooseView{all: all, hubs: map[presence.EdgeID]*hub{}}
	for e := range zones {
		hubs := &Hubs{cfg: Config{Edge: e, Zone: zoneOf}}
		b := &hub{shard: &shard{edge: hubs}}
		for _, s := range all {
			node := lime.MustParseNode(viewIdentity + "/" + s.name)
			if s.edge == e {
				m := &Member{hub: b, who: mustName(t, node, ""), presence: s.p, guest: s.guest}
				if s.since != 0 {
					m.sharingLocked().since = s.since
				}
				b.members.add(m)
				continue
			}
			r := presence.Registration{Node: node, Edge: s.edge, Guest: s.guest, Since: s.since}
			if s.p != nil {
				r.Presence = *s.p
			}
			b.widened().remote = append(b.widened().remote, r)
		}
		v.hubs[e] = b
	}
	return v
}

// chosen is whom all edges together give an envelope to, sorted.
func (v *chooseView) chosen(t testing.TB, p *parcel) (names []string) {
	for _, b := range v.hubs {
		routes := b.routes()
		if routes == nil { // no rules: each hub has its own, simpler way
			for m := range b.members.all() {
				switch {
				case p.token == subject.Identity:
					if reachedAtIdentity(m.presence, m.guest, p.server) && (echoes(m.presence) || string(p.sender) != m.who.String()) {
						names = append(names, m.who.Instance())
					}
				case p.token == m.token() && reachedAtNode(m.presence, p.server):
					names = append(names, m.who.Instance())
				}
			}
			continue
		}
		v.turn.chosen = choose(v.turn.chosen[:0], routes, p, (&Hubs{cfg: Config{Zone: zoneOf}}).distance)
		for _, r := range v.turn.chosen {
			if r.member != nil {
				names = append(names, r.member.who.Instance())
			}
		}
	}
	slices.Sort(names)
	return names
}

// try compares what is chosen with the oracle, for every kind of address and sender.
func (v *chooseView) try(t testing.TB, turns int) {
	for _, to := range []string{subject.Identity, nobody, v.all[0].name, v.all[len(v.all)-1].name} {
		for _, sender := range []string{"ana@t.org/1", "postmaster@t.org/#a", viewIdentity + "/" + v.all[0].name} {
			for origin := range zones {
				for _, position := range []uint64{0, 50} {
					v.tryOne(t, &parcel{
						token: to, server: strings.HasPrefix(sender, "postmaster"), sender: []byte(sender), origin: origin, position: position,
					}, turns)
				}
			}
		}
	}
}

func (v *chooseView) tryOne(t testing.TB, p *parcel, turns int) {
	all, oneOf := oracle(v.all, p)
	had := map[string]bool{}
	for n := range max(1, turns) {
		p.turn = turnOf(p.origin, uint64(n))
		got := v.chosen(t, p)
		shared := slices.DeleteFunc(slices.Clone(got), func(n string) bool { return slices.Contains(all, n) })
		switch {
		case len(oneOf) == 0 && len(shared) == 0, len(shared) == 1 && slices.Contains(oneOf, shared[0]):
			for _, n := range shared {
				had[n] = true
			}
			if len(got) == len(all)+len(shared) {
				continue
			}
		}
		t.Fatalf("%s\nto %s from %s on %s at %d: %q are chosen, want %q and one of %q", v, p.token, p.sender, p.origin, p.position, got, all, oneOf)
	}
	if turns > 1 && p.position == 0 && len(had) != len(oneOf) {
		t.Fatalf("%s\nto %s from %s: of %q only %v ever have their turn", v, p.token, p.sender, oneOf, had)
	}
}

func (v *chooseView) String() string {
	var b strings.Builder
	for _, s := range v.all {
		fmt.Fprintf(&b, "\n  %s on %s, guest %v, since %d: ", s.name, s.edge, s.guest, s.since)
		if s.p != nil {
			fmt.Fprintf(&b, "%+v", *s.p)
		}
	}
	return b.String()
}

// presences are all that a session can say, as far as routing looks at it.
func presences() (all []*lime.Presence) {
	all = append(all, nil)
	for _, status := range []lime.Status{"", lime.StatusAvailable, lime.StatusInvisible, lime.StatusUnavailable} {
		for _, rule := range []lime.RoutingRule{
			"", lime.RouteInstance, lime.RouteIdentity, lime.RouteIdentityByPriority, lime.RoutePromiscuous, lime.RouteDomain, lime.RouteRootDomain,
		} {
			for flags := range 16 {
				for _, priority := range []int{0, 5} {
					all = append(all, &lime.Presence{
						Status: status, RoutingRule: rule, Priority: priority,
						RoundRobin: flags&1 != 0, FilterByDistance: flags&2 != 0, Promiscuous: flags&4 != 0, Echo: flags&8 != 0,
					})
				}
			}
		}
	}
	return all
}

// Every presence beside one of each kind, on one edge, on two and on three: L-RES-07,
// L-MSG-05, L-MSG-06, L-MSG-14.
func TestEveryRuleOnOneTwoAndThreeEdges(t *testing.T) {
	beside := []*lime.Presence{
		nil,
		{Status: lime.StatusUnavailable, RoundRobin: true},
		{Status: lime.StatusAvailable, FilterByDistance: true},
		{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentityByPriority, Priority: 3},
		{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance, Promiscuous: true, RoundRobin: true, FilterByDistance: true, Priority: 9},
	}
	for _, p := range presences() {
		for i, q := range beside {
			for _, edges := range [][]presence.EdgeID{{"a", "a", "a"}, {"a", "c", "a"}, {"a", "b", "c"}} {
				newChooseView(t, []said{
					{"1", edges[0], p, i%2 == 0, 10},
					{"2", edges[1], q, i%3 == 0, 90},
					{"3", edges[2], beside[(i+1)%len(beside)], false, 20},
				}).try(t, 0)
			}
		}
	}
}

// Views of up to five sessions that say anything.
func TestAnyViewIsDecidedAsTheOracleDoes(t *testing.T) {
	everything := presences()
	draw := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		var all []said
		for n := range 1 + draw.IntN(5) {
			all = append(all, said{
				fmt.Sprint(n), []presence.EdgeID{"a", "b", "c"}[draw.IntN(3)], everything[draw.IntN(len(everything))], draw.IntN(2) == 0,
				[]uint64{0, 10, 50, 51, 90}[draw.IntN(5)],
			})
		}
		newChooseView(t, all).try(t, 0)
	}
}

func TestEachHasItsTurn(t *testing.T) { // L-RES-07
	shared := lime.Presence{Status: lime.StatusAvailable, RoundRobin: true}
	newChooseView(t, []said{{"1", "a", &shared, false, 10}, {"2", "b", &shared, false, 10}, {"3", "c", &shared, false, 10}, {"4", "c", &available, false, 0}}).try(t, 200)
}

// When one goes, what the others have stays with them.
func TestOnlyWhatADepartedSessionHadIsAnothers(t *testing.T) {
	shared := lime.Presence{Status: lime.StatusAvailable, RoundRobin: true}
	all := []said{{"1", "a", &shared, false, 10}, {"2", "b", &shared, false, 20}, {"3", "c", &shared, false, 30}}
	before, after := newChooseView(t, all), newChooseView(t, all[:2])
	counts := map[string]int{}
	for position := uint64(1); position <= 3000; position++ {
		p := &parcel{token: subject.Identity, sender: []byte("ana@t.org/1"), position: position, turn: position}
		had, has := before.chosen(t, p), after.chosen(t, p)
		if len(had) != 1 || len(has) != 1 || had[0] != "3" && had[0] != has[0] {
			t.Fatalf("%d was for %q and is for %q", position, had, has)
		}
		if want := "1"; position < 10 && had[0] != want {
			t.Fatalf("%d, from before all of them, is for %q", position, had)
		}
		if position >= 30 {
			counts[had[0]]++
		}
	}
	for name, n := range counts {
		if n < 900 || n > 1100 {
			t.Errorf("%s has %d of 2971", name, n)
		}
	}
}

// oracle says whom an envelope is for: all of the first, and one of the second if there
// are any. It is the text of docs/protocol.md, in its order, and knows nothing of choose.
func oracle(all []said, p *parcel) (everyone, oneOf []string) {
	status := func(s said) lime.Status {
		if s.p == nil {
			return ""
		}
		return s.p.Status
	}
	presenceOf := func(s said) lime.Presence {
		if s.p == nil {
			return lime.Presence{}
		}
		return *s.p
	}
	var addressee, others []said
	for _, s := range all {
		v := presenceOf(s)
		away := status(s) == lime.StatusUnavailable
		mine := string(p.sender) == viewIdentity+"/"+s.name && !v.Echo
		silent := v.Status == "" && v.RoutingRule == ""
		var reached bool
		switch {
		case p.token == s.name:
			if p.server || !away {
				addressee = append(addressee, s)
			}
			continue
		case mine:
		case p.token == subject.Identity && p.server:
			reached = true
		case away:
		case p.token == subject.Identity && silent:
			reached = s.guest
		case p.token == subject.Identity:
			reached = v.RoutingRule != "instance"
		default:
			reached = v.Promiscuous || v.RoutingRule == "promiscuous" || v.RoutingRule == "domain" || v.RoutingRule == "rootDomain"
		}
		if reached {
			others = append(others, s)
		}
	}
	for _, s := range addressee {
		everyone = append(everyone, s.name)
	}
	if p.server {
		return sorted(everyone, others), nil
	}
	contends := func(s said) bool {
		v := presenceOf(s)
		return v.RoundRobin || v.FilterByDistance || v.RoutingRule == "identityByPriority"
	}
	if p.position > 0 {
		early := only(others, func(s said) bool { return contends(s) && s.since > 0 && s.since <= p.position })
		for _, s := range addressee { // it counts as one that was there, and keeps its own anyway
			if contends(s) && s.since > 0 && s.since <= p.position && len(others) > 0 {
				early = append(early, s)
			}
		}
		if len(early) > 0 {
			others = only(others, func(s said) bool { return !contends(s) || s.since > 0 && s.since <= p.position })
		}
	}
	highest := -1
	for _, s := range slices.Concat(addressee, others) {
		highest = max(highest, presenceOf(s).Priority)
	}
	others = only(others, func(s said) bool {
		v := presenceOf(s)
		return v.RoutingRule != "identityByPriority" || v.Priority == highest
	})
	nearest := 3
	far := func(s said) int {
		switch {
		case s.edge == p.origin:
			return 0
		case zones[s.edge] == zones[p.origin]:
			return 1
		}
		return 2
	}
	for _, s := range others {
		if presenceOf(s).FilterByDistance {
			nearest = min(nearest, far(s))
		}
	}
	others = only(others, func(s said) bool { return !presenceOf(s).FilterByDistance || far(s) == nearest })
	inTurn := only(others, func(s said) bool { return presenceOf(s).RoundRobin })
	others = only(others, func(s said) bool { return !presenceOf(s).RoundRobin })
	if p.position > 0 && len(inTurn) > 0 && !slices.ContainsFunc(inTurn, func(s said) bool { return s.since > 0 && s.since <= p.position }) {
		first := slices.MinFunc(inTurn, func(a, b said) int {
			never := func(n uint64) uint64 {
				if n == 0 {
					return 1 << 63
				}
				return n
			}
			return cmp.Or(cmp.Compare(never(a.since), never(b.since)), cmp.Compare(a.name, b.name))
		})
		inTurn = []said{first}
	}
	for _, s := range inTurn {
		oneOf = append(oneOf, s.name)
	}
	return sorted(everyone, others), oneOf
}

func only(all []said, wanted func(said) bool) (some []said) {
	for _, s := range all {
		if wanted(s) {
			some = append(some, s)
		}
	}
	return some
}

func sorted(names []string, all []said) []string {
	for _, s := range all {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}
