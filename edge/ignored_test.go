package edge

import (
	"testing"

	"limegrove/lime"
)

func TestWhoIsIgnored(t *testing.T) {
	all := &ignored{map[string]struct{}{"ana@example.org": {}, "rui@example.org/home": {}, "spam.example": {}}}
	for node, want := range map[string]bool{
		"ana@example.org/1": true, "Ana@Example.org/1": true, "anna@example.org/1": false, "rui@example.org/home": true, "rui@example.org/Home": true,
		"rui@example.org/desk": false, "x@spam.example/1": true, "x@not.spam.example/1": false, "ana@spam.example.org/1": false,
	} {
		if got := all.has(lime.MustParseNode(node)); got != want {
			t.Errorf("%s is ignored: %v", node, got)
		}
	}
}

// TestIgnoredPeersAreNotPassedOn: by their whole identity, and again heard when that is over.
func TestIgnoredPeersAreNotPassedOn(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		ana.greets("before", rui)
		e.SetIgnored([]string{"ANA@example.org"})
		late := e.login("ana@example.org/2") // who comes later
		for _, c := range []*client{ana, late} {
			c.says(`{"to":"rui@example.org/1","type":"text/plain","content":"lost"}`)
			c.says(`{"id":"m","to":"rui@example.org/1","type":"text/plain","content":"refused"}`)
			c.hears("it is told", `{"event":"failed","id":"m","reason":{"code":31}}`)
			c.says(`{"id":"c","to":"rui@example.org/1","method":"get","uri":"/ping"}`)
			c.hears("and of a command", `{"status":"failure","id":"c","reason":{"code":31}}`)
			c.says(`{"id":"p","method":"get","uri":"/ping"}`)
			c.hears("the server answers", `{"status":"success","id":"p"}`)
		}
		if n := counted(t, e.metrics.dropped[dropIgnored]); n != 6 {
			t.Errorf("%d envelopes are counted", n)
		}
		rui.greets("who is not ignored", rui)
		e.SetIgnored(nil)
		ana.greets("after", rui)
	})
}

func TestIgnoredPeersStayThroughAChange(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		e.SetIgnored([]string{"example.org"})
		apply, err := e.Change(Config{MaxRooms: 3})
		if err != nil {
			t.Fatal(err)
		}
		apply()
		ana.says(`{"id":"m","to":"rui@example.org/1","type":"text/plain","content":"refused"}`)
		ana.hears("it is told", `{"event":"failed","id":"m","reason":{"code":31}}`)
	})
}

// TestWhoSpeaksForAnIgnoredPeerIsIgnoredInThat alone, and receipts are heard whoever gives them.
func TestWhoSpeaksForAnIgnoredPeerIsIgnoredInThat(t *testing.T) {
	d := established(t)
	rules := *d.session.rules
	rules.ignored = &ignored{map[string]struct{}{"rui@example.org": {}}}
	d.session.rules, d.session.rank = &rules, lime.RoleAuthority.Rank()
	d.session.heed()
	d.says(`{"id":"1","from":"rui@example.org/x","to":"lia@example.org","type":"text/plain","content":"x"}`)
	d.hears("in his name", `{"event":"failed","id":"1","reason":{"code":31}}`)
	d.wantDropped("it is counted", dropIgnored, 1)
	d.says(`{"from":"rui@example.org/x","to":"lia@example.org","type":"text/plain","content":"x"}`)
	d.hearsNothing("without an id")
	d.handsOnNothing("nor is it handed on")
	d.says(`{"id":"2","to":"lia@example.org","type":"text/plain","content":"x"}`)
	d.routes("in its own", "lia@example.org", `{"id":"2"}`)
	d.says(`{"id":"3","from":"rui@example.org/x","to":"lia@example.org/1","event":"received"}`)
	d.routes("a receipt", "lia@example.org/1", `{"id":"3","event":"received"}`)
}
