package roster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/document"
	"limegrove/internal/natstest"
	"limegrove/lime"
)

// fill gives an owner so many contacts of so many bytes, every second of which it shares with.
func (s *Store) fill(t testing.TB, owner string, n, bytes int) {
	t.Helper()
	for i := range n {
		k, err := contactKey(id(owner), id(fmt.Sprintf("c%04d@x", i)))
		if err == nil {
			err = s.contacts.Put(t.Context(), k, fmt.Appendf(nil, `{"identity":"c%04d@x","sharePresence":%t,"name":%q}`,
				i, i%2 == 0, strings.Repeat("x", bytes)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkKnown(b *testing.B) {
	for _, c := range []struct{ contacts, bytes int }{{10, 300}, {50, 300}, {200, 300}, {1000, 300}, {5000, 3000}} {
		s := open(b, Config{})
		s.fill(b, "ana@x", c.contacts, c.bytes)
		name := fmt.Sprintf("contacts=%d/bytes=%d", c.contacts, c.bytes)
		b.Run(name+"/read", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if all, err := s.Contacts(b.Context(), id("ana@x")); err != nil || len(all) != c.contacts {
					b.Fatal(len(all), err)
				}
			}
		})
		b.Run(name+"/last", func(b *testing.B) {
			b.ReportAllocs()
			k, _ := document.Of(id("ana@x"))
			for b.Loop() {
				if _, err := s.contacts.Last(b.Context(), k); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/known", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if sharing, others, err := s.Known(b.Context(), id("ana@x")); err != nil || len(sharing)+len(others) != c.contacts {
					b.Fatal(err)
				}
			}
		})
	}
}

func (s *Store) wantKnown(t *testing.T, why, owner, want string) {
	t.Helper()
	sharing, others, err := s.Known(t.Context(), id(owner))
	if got := fmt.Sprint(sharing, others); got != want || err != nil {
		t.Errorf("%s: %s, %v, want %s", why, got, err, want)
	}
}

func TestKnownAreThoseThatThereAre(t *testing.T) {
	s := open(t, Config{})
	s.wantKnown(t, "nobody", "ana@x", "[] []")
	s.mustSet(t, "ana@x", `{"identity":"Bob@x"}`)
	s.mustSet(t, "ana@x", `{"identity":"Rui@x","sharePresence":false}`)
	s.mustSet(t, "bob@x", `{"identity":"ana@x"}`)
	for range 2 {
		s.wantKnown(t, "two", "Ana@x", "[Bob@x] [Rui@x]")
	}
	s.mustSet(t, "ana@x", `{"identity":"rui@x"}`)
	s.wantKnown(t, "one is changed", "ana@x", "[Bob@x rui@x] []")
	if _, err := s.RemoveContact(t.Context(), id("ana@x"), id("bob@x")); err != nil {
		t.Fatal(err)
	}
	s.wantKnown(t, "one is removed", "ana@x", "[rui@x] []")
	if err := s.Forget(t.Context(), id("ana@x")); err != nil {
		t.Fatal(err)
	}
	s.wantKnown(t, "all are", "ana@x", "[] []")
	s.mustSet(t, "ana@x", `{"identity":"lia@x"}`)
	s.wantKnown(t, "there are others", "ana@x", "[lia@x] []")
	s.wantKnown(t, "somebody else's", "bob@x", "[ana@x] []")
	if _, _, err := s.Known(t.Context(), lime.Identity{Domain: "x"}); err == nil {
		t.Error("nobody in particular has contacts")
	}
}

func TestContactsThatHaveNotChangedAreNotRead(t *testing.T) {
	cfg := Config{JetStream: natstest.JetStream(t)}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.fill(t, "ana@x", 600, 1000)
	read := func() uint64 {
		before := cfg.JetStream.Conn().Stats().InBytes
		if sharing, others, err := s.Known(t.Context(), id("ana@x")); err != nil || len(sharing) != 300 || len(others) != 300 {
			t.Errorf("%d and %d, %v", len(sharing), len(others), err)
		}
		return cfg.JetStream.Conn().Stats().InBytes - before
	}
	if n := read(); n < 600_000 {
		t.Errorf("first, %d bytes are read", n)
	}
	if n := read(); n > 5_000 {
		t.Errorf("again, %d bytes are read", n)
	}
	s.mustSet(t, "ana@x", `{"identity":"c0000@x"}`)
	if n := read(); n < 600_000 {
		t.Errorf("when one has changed, %d bytes are read", n)
	}
}

// A replica may be behind: who shares no more is told nothing, even by a router that has not
// read the contacts before.
func TestTheLeaderSaysHowNewContactsAreToBe(t *testing.T) {
	cfg := Config{JetStream: natstest.JetStream(t)}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.mustSet(t, "ana@x", `{"identity":"bob@x"}`)
	nc := cfg.JetStream.Conn()
	asked, err := nc.SubscribeSync("$JS.API.STREAM.MSG.GET.>")
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, why := range []string{"nothing is remembered", "something is"} {
		s.wantKnown(t, why, "ana@x", "[bob@x] []")
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		if n, _, err := asked.Pending(); n != 1 || err != nil {
			t.Errorf("%s: the leader was asked %d times, %v", why, n, err)
		}
		for n, _, _ := asked.Pending(); n > 0; n-- {
			if _, err := asked.NextMsg(time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestMemoryOfContactsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := known{sharing: []lime.Identity{id("bob@x")}, others: []lime.Identity{id("rui@x")}}
		m := newMemory(3 * (one.size() + 2))
		want := func(why string, keys ...document.Key) {
			t.Helper()
			for _, k := range []document.Key{"a", "b", "c", "d"} {
				if _, ok := m.get(k); ok != slices.Contains(keys, k) {
					t.Errorf("%s: %s is remembered: %t", why, k, ok)
				}
			}
			if m.bytes != m.order.Len()*(one.size()+2) || len(m.byKey) != m.order.Len() {
				t.Errorf("%s: %d bytes of %d, of %d keys", why, m.bytes, m.order.Len(), len(m.byKey))
			}
		}
		for _, k := range []document.Key{"a", "b", "c", "a", "d"} {
			m.put(k, one)
			time.Sleep(time.Second)
		}
		want("four, one of them again", "a", "c", "d")
		time.Sleep(knownFor - 3*time.Second)
		m.put("d", one)
		want("when half an hour is over, but for the last", "d", "a")
		if time.Sleep(2 * time.Second); m.order.Len() != 2 {
			t.Errorf("%d are remembered", m.order.Len())
		}
		want("then of that one, too", "d")
		m.put("b", known{sharing: make([]lime.Identity, 1000)})
		if m.bytes != 0 || len(m.byKey) != 0 {
			t.Errorf("what is too large takes %d bytes", m.bytes)
		}
	})
}
