package presencetest

import (
	"testing"

	"limegrove/lime"
	"limegrove/presence"
)

func whatWasTold(t *testing.T, w *world) {
	telling := func(identity, mark, want string) {
		t.Helper()
		before, err := w.store.Telling(w.ctx(), lime.MustParseIdentity(identity), mark)
		w.must("telling", err)
		if before != want {
			t.Errorf("%s was told %q, want %q", identity, before, want)
		}
	}
	told := func(identity, mark, what string) {
		t.Helper()
		w.must("told", w.store.Told(w.ctx(), lime.MustParseIdentity(identity), mark, what))
	}
	telling("ana@x", "m1", "")
	told("ana@x", "m1", "away")
	telling("Ana@X", "m2", "away")
	telling("ana@x", "m3", presence.Uncertain+"m2") // before the other one has ended
	told("ana@x", "m2", "busy")
	telling("ana@x", "m4", presence.Uncertain)
	told("ana@x", "m3", "away") // nor does it know
	telling("ana@x", "m5", presence.Uncertain)
	told("ana@x", "m5", "busy")
	telling("rui@x", "m6", "")
	telling("ana@x", "m7", "busy")
	told("ana@x", "m7", "busy")

	var all []lime.Identity
	for _, i := range []string{"ana@x", "rui@x", "nobody@x"} {
		all = append(all, lime.MustParseIdentity(i))
	}
	w.must("told one", w.store.ToldOne(w.ctx(), all, []string{"Busy", "away", "away"}))
	telling("ana@x", "m7", presence.Uncertain) // it is another
	told("rui@x", "m6", "busy")                // one heard something else, before or after that
	telling("rui@x", "m7", presence.Uncertain)
	telling("nobody@x", "m7", "")
	told("ana@x", "m7", "busy")
	w.must("told one", w.store.ToldOne(w.ctx(), all[:1], []string{"busy"}))
	telling("ana@x", "m7", "busy")

	w.redis.Flush(t)
	told("ana@x", "m7", "away")
	telling("ana@x", "m8", presence.Uncertain)
}

func registered(t *testing.T, w *world) {
	w.live("e1")
	w.register(reg("Ana@x/1", "e1", "s1"))
	w.register(reg("ana@x/2", "dead", "s2"))
	w.register(reg("rui@x/1", "e1", "s3"))
	var ids []lime.Identity
	for _, i := range []string{"rui@x", "nobody@x", "ANA@x"} {
		ids = append(ids, lime.MustParseIdentity(i))
	}
	all, err := w.store.Registered(w.ctx(), ids)
	w.must("registered", err)
	w.wantSessions("rui", all[0], "s3")
	w.wantSessions("nobody", all[1])
	w.wantSessions("ana", all[2], "s1", "s2")
	if all[0].Version == 0 || all[1].Version != 0 || all[2].Registrations[0].Node.Name != "Ana" {
		t.Errorf("registered: %+v", all)
	}
}
