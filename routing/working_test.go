package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/delivery"
)

// agedWorld is a session that has passed a message to another, on another edge or on its own, so
// long ago that the other has had its time.
type agedWorld struct {
	turn     *turn
	mine     *Member
	other    *Member // nil on another edge
	position uint64
	session  []byte
}

func newAgedWorld(t *testing.T, remote bool) *agedWorld {
	t.Helper()
	h := &Hubs{cfg: Config{Edge: "a"}}
	p := lime.Presence{Status: lime.StatusAvailable, RoundRobin: true}
	b := &hub{shard: &shard{edge: h}}
	member := func(instance string) *Member {
		m := &Member{hub: b, state: active, presence: &p, who: mustName(t, lime.MustParseNode("bot@t.org/"+instance), "")}
		m.sharingLocked().since = 1
		return m
	}
	w := &agedWorld{turn: &turn{hubs: h}, mine: member("1"), session: []byte("ana@t.org/1")}
	b.members = rollOf(w.mine)
	if remote {
		b.widened().remote = []presence.Registration{{Node: lime.MustParseNode("bot@t.org/2"), Edge: "b", Presence: p, Since: 1}}
	} else {
		w.other = member("2")
		b.members.add(w.other)
	}
	b.disarrange()
	f := &w.mine.follows[byIdentity]
	f.Start(0)
	for w.position = 10; w.isMine(); w.position++ {
		if w.position == 1000 {
			t.Fatal("nothing is the other's")
		}
	}
	f.Pass(delivery.Message{Position: w.position})
	for range reviewPatience {
		if w.isMine() {
			t.Fatal("the other has no time")
		}
		f.Review(true)
		f.Offered(f.NextReview(), delivery.Page{Through: w.position})
		page := delivery.Page{Messages: []delivery.Message{{Position: w.position, Inbox: 1}}}
		if _, _, ok := f.Offer(f.NextReview(), page); !ok {
			t.Fatal("there is no review")
		}
		f.Offered(f.NextReview(), page)
	}
	return w
}

func (w *agedWorld) isMine() bool {
	w.turn.header.From = w.session
	return w.turn.isFor(w.mine, &delivery.Message{Position: w.position}, w.session)
}

func (w *agedWorld) want(t *testing.T, why string, mine bool) {
	t.Helper()
	if got := w.isMine(); got != mine {
		t.Errorf("%s: it is taken over: %v, want %v", why, got, mine)
	}
}

func TestWhoIsAtWorkOnAnotherEdgeKeepsWhatItHas(t *testing.T) {
	w := newAgedWorld(t, true)
	h, now := w.mine.hub, time.Now()
	tell := func(token string, more bool, at time.Time, positions ...uint64) {
		t.Helper()
		if !h.othersWork(encodeWorking(token, more, positions), at) {
			t.Fatal("it is not understood")
		}
	}
	w.want(t, "nothing was told", true)
	tell("2", false, now, w.position, w.position-1)
	w.want(t, "it has it", false)
	tell("2", false, now.Add(-workingFor), w.position)
	w.want(t, "that was long ago", true)
	tell("2", false, now, w.position+1, w.position-1)
	w.want(t, "it has others", true)
	tell("2", true, now)
	w.want(t, "it reads on", false)
	tell("2", false, now)
	w.want(t, "it has nothing", true)
	tell("3", true, now, w.position)
	w.want(t, "nobody has told", true)
	if len(h.wide.working) != 1 {
		t.Errorf("it keeps %v", h.wide.working)
	}
}

// A broker that does not read would hold up the whole shard.
func TestWhatASessionHasIsNotToldUnderTheShard(t *testing.T) {
	w := newAgedWorld(t, true)
	w.mine.hubs().floors = newFloors(w.mine.hubs())
	w.mine.follows[byIdentity].Review(true)
	if !w.mine.readsOn() {
		t.Fatal("it has nothing to tell")
	}
	w.mine.tellWorkingLocked() // there is no broker at all
	w.mine.tellWorkingLocked()
	busy := w.mine.hubs().floors.busy
	if token, told, ok := parseWorking(busy[floorKey{w.mine.hub.key, "1"}]); len(busy) != 1 || !ok || token != "1" || !told.more {
		t.Errorf("noted is %q", busy)
	}
}

func TestWhoIsAtWorkHereKeepsWhatItHas(t *testing.T) {
	w := newAgedWorld(t, false)
	w.want(t, "it does nothing", true)
	w.other.sharingLocked().progressed = time.Now()
	w.want(t, "it has nothing", true)
	w.other.window.Push(delivery.Entry{Position: w.position})
	w.want(t, "it has what is for its node", true)
	w.other.window.Push(delivery.Entry{Position: w.position, Identity: true})
	w.want(t, "it has it", false)
	w.other.sharingLocked().progressed = time.Now().Add(-workingFor)
	w.want(t, "it has not acknowledged anything for long", true)
}

func TestWhatASessionIsAtWorkOnIsUnderstood(t *testing.T) {
	b := encodeWorking("a-b", true, []uint64{1 << 52, 7})
	token, w, ok := parseWorking(b)
	if !ok || token != "a-b" || !w.more || !slices.Equal(w.positions, []uint64{7, 1 << 52}) {
		t.Errorf("%q, %+v, %v", token, w, ok)
	}
	for _, bad := range [][]byte{nil, []byte("a"), []byte("a\n"), []byte("a\n\n\xff"), encodeWorking("a", false, make([]uint64, maxWindow+1))} {
		if _, _, ok := parseWorking(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestOthersAreToldWhatASlowSessionHas(t *testing.T) {
	w, a, b, c := ruledStoredWorld(t)
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	one, slow := a.Login("bot@t.org/1", shared()), b.Login("bot@t.org/2", shared())
	slow.Silent(true)
	w.wantSharing(one, slow)
	ana.send("bot@t.org", 0, 40)
	w.have("each message is one session's", 40, one, slow)
	slow.hub.shard.mu.Lock()
	had := slow.window.Positions(true)
	slow.hub.shard.mu.Unlock()
	if len(had) < 3 {
		t.Fatalf("it has %d", len(had))
	}
	slow.Proved(2) // of the messages that it has, in their order
	news := func() string {
		one.hub.shard.mu.Lock()
		defer one.hub.shard.mu.Unlock()
		return fmt.Sprint(one.hub.wide.working["2"].positions)
	}
	want := fmt.Sprint(had[2:])
	eventually(t, "the other hears what it has", func() bool { return news() == want })
}
