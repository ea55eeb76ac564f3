package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
)

type platformScenario struct {
	name string
	play func(t *testing.T, s scene)
}

var platformScenarios = []platformScenario{
	{"an application's presence and receipts are set after its login", applicationIsOnline},
	{"a wrong password is refused", applicationIsRefused},
	{"a bot logs in by a key of its account", applicationWithKey},
	{"a sender hears all five events", allFiveEvents},
	{"a message that is sent again comes once", sentAgainComesOnce},
	{"a guest gets what is sent to its identity", guestApplication},
	{"a bot answers commands", botAnswers},
	{"bots on both edges share the commands to their identity", botsShareCommands},
	{"bots on both edges share the messages to their identity", botsShareMessages},
	{"an application keeps contacts", applicationKeepsContacts},
	{"who asks for echo gets what it has sent to its own identity", applicationWithEcho},
	{"an application whose connection is lost comes back to its node and what waits there", applicationComesBack},
	{"an application finishes", applicationFinishes},
}

// L-RES-08, L-RES-01.
func applicationIsOnline(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "Ana"), nil)
	if want := ana.who.Identity + "/default"; ana.node != want {
		t.Errorf("it is %s, not %s", ana.node, want)
	}
	if p := ana.presence(ana.node); p["status"] != "available" || p["routingRule"] != "identity" {
		t.Errorf("its presence is %v", p)
	}
	receipts, _ := ana.get("/receipt").Resource.(map[string]any)
	var events []string
	if all, ok := receipts["events"].([]any); ok {
		for _, event := range all {
			events = append(events, fmt.Sprint(event))
		}
	}
	slices.Sort(events)
	if want := []string{"accepted", "consumed", "dispatched", "failed", "received"}; !slices.Equal(events, want) {
		t.Errorf("its receipts are %q", events)
	}
	ana.wantNothingElse("that is all")
}

// L-SES-15.
func applicationIsRefused(t *testing.T, s scene) {
	who := s.person(t, "ana")
	who.Password = secret(wrongPassword)
	if answer := dial(t, s.here.lib).loginAs(s.here.at, who); !answer.failedFor(lime.CodeSessionAuthenticationFailed) {
		t.Errorf("it gets %s", answer)
	}
}

// L-SES-13, L-SES-15.
func applicationWithKey(t *testing.T, s scene) {
	who := s.person(t, "bot")
	owner := online(t, s.here, who, nil)
	made := owner.call(Envelope{
		Method: "set", URI: "/account/keys", Type: "application/vnd.limegrove.key+json", Resource: map[string]string{"name": "bot"},
	})
	properties, _ := made.Resource.(map[string]any)
	key, ok := properties["key"].(string)
	if made.Status != "success" || !ok {
		t.Fatalf("its owner makes a key: %s", made)
	}
	who.Password, who.Instance, who.Key = "", "bot", secret("no such key")
	if answer := dial(t, s.there.lib).loginAs(s.there.at, who); !answer.failedFor(lime.CodeSessionAuthenticationFailed) {
		t.Errorf("another key gets %s", answer)
	}
	who.Key = key
	bot := online(t, s.there, who, nil)
	owner.send(text("1", bot.node, "you are in"))
	bot.wantText("it is a session like others", "you are in")
}

// L-NOT-01, L-NOT-03, L-NOT-05, L-RES-09, L-ENV-05: blip-sdk's receipts have null in their
// metadata.
func allFiveEvents(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	rui := online(t, s.there, s.person(t, "rui"), nil)
	for _, to := range []string{rui.identity(), rui.node} {
		ana.send(text(to, to, "read this"))
		if got := rui.wantText("the message", "read this"); got.From != ana.node || got.To != to {
			t.Errorf("it arrived as %s", got)
		}
		var events []string
		for range 4 {
			got := ana.want("a notification", func(e Envelope) bool { return e.ID == to })
			events = append(events, got.Event)
			// L-NOT-06: by this the reference implementation knows what it need not send again.
			if from, _, _ := strings.Cut(got.From, "/"); (got.Event == "received" || got.Event == "consumed") && from != rui.who.Identity {
				t.Errorf("it is told of by %s", got)
			}
		}
		if want := []string{"accepted", "dispatched", "received", "consumed"}; !slices.Equal(events, want) {
			t.Errorf("its sender hears %q, want %q", events, want)
		}
	}
	nobody := s.name("nobody") + "@" + domain
	ana.send(text("lost", nobody, "hello?"))
	ana.wantFailed("a message to nobody", "lost", lime.CodeAuthorizationDestinationAccountNotFound)
	ana.wantNothingElse("each event once")
	rui.wantNothingElse("each message once")
}

// L-MSG-12: as the reference implementation does when it has heard nothing.
func sentAgainComesOnce(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	rui := online(t, s.there, s.person(t, "rui"), nil)
	message := text("1", rui.identity(), "did you get this?")
	for again := range 3 {
		if again > 0 {
			message.Metadata = map[string]any{"#resentCount": fmt.Sprint(again)}
		}
		ana.send(message)
		ana.want("it is accepted", func(e Envelope) bool { return e.ID == "1" && e.Event == "accepted" })
	}
	ana.send(text("2", rui.identity(), "the last"))
	rui.wantText("it comes", "did you get this?")
	rui.wantText("and what was sent later", "the last")
	rui.wantNothingElse("once")
}

// L-RES-02: neither library sets a presence for guests.
func guestApplication(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	guest := online(t, s.there, Login{Identity: s.name("guest") + "@" + domain, Instance: "default"}, nil)
	ana.send(text("1", guest.identity(), "welcome"))
	guest.wantText("it is reachable", "welcome")
	ana.want("it says so", func(e Envelope) bool { return e.Event == "consumed" && e.From == guest.node })
	guest.send(text("2", ana.identity(), "thank you"))
	ana.wantText("and can answer", "thank you")
	guest.want("which is consumed", func(e Envelope) bool { return e.ID == "2" && e.Event == "consumed" })
}

// L-CMD-01: the response's addresses, whichever library answers.
func botAnswers(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	bot := online(t, s.there, s.person(t, "bot"), nil)
	for _, to := range []string{bot.node, bot.identity()} {
		answer := ana.call(Envelope{Method: methodGet, URI: "/greeting", To: to})
		if answer.Status != "success" || answer.Resource != bot.node || answer.From != bot.node {
			t.Errorf("a command to %s gets %s", to, answer)
		}
	}
	ana.wantNothingElse("one response each")
}

// bots are three sessions of one identity on both edges, which take turns. It returns
// them when both edges know of all: until then two of them may think that it is theirs.
func (s scene) bots(t *testing.T, ana *application) (all []*application) {
	t.Helper()
	who := s.person(t, "bot")
	for i, at := range []platform{s.here, s.there, s.there} {
		who.Instance = fmt.Sprint("worker-", i)
		all = append(all, online(t, at, who, map[string]any{"roundRobin": true}))
	}
	eventually(t, "the edges know all bots", patience, func() error {
		answered := ana.greets(all, 20)
		if more := ana.forget(); len(more) > 0 {
			return fmt.Errorf("also came %v", more)
		}
		if len(answered) < len(all) {
			return fmt.Errorf("these have answered: %v", answered)
		}
		return nil
	})
	return all
}

// greets sends so many greetings to the bots' identity and counts who answers.
func (a *application) greets(bots []*application, n int) map[string]int {
	a.t.Helper()
	answered := map[string]int{}
	for range n {
		answer := a.call(Envelope{Method: methodGet, URI: "/greeting", To: bots[0].who.Identity})
		if answer.Status != "success" || answer.Resource != answer.From {
			a.t.Fatalf("a command to the bots gets %s", answer)
		}
		answered[answer.From]++
	}
	return answered
}

// L-RES-07. A lot is drawn for each command, so that none of them has none.
func botsShareCommands(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	bots := s.bots(t, ana)
	answered := ana.greets(bots, 45)
	for _, bot := range bots {
		if answered[bot.node] == 0 {
			t.Errorf("%s has answered none, and the others %v", bot.node, answered)
		}
	}
	if len(answered) != len(bots) {
		t.Errorf("these have answered: %v", answered)
	}
	ana.wantNothingElse("one response for each command")
}

// L-RES-07: what is stored for them, too.
func botsShareMessages(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	bots := s.bots(t, ana)
	const messages = 45
	for i := range messages {
		ana.send(text(fmt.Sprint("m-", i), bots[0].who.Identity, fmt.Sprint("work ", i)))
	}
	for i := range messages {
		ana.want("one has done it", func(e Envelope) bool { return e.ID == fmt.Sprint("m-", i) && e.Event == "consumed" })
	}
	done := map[any]int{}
	for _, bot := range bots {
		got := bot.received()
		if len(got) == 0 {
			t.Errorf("%s has got none", bot.node)
		}
		for _, e := range got {
			done[e.Content]++
		}
	}
	for content, n := range done {
		if n != 1 {
			t.Errorf("%d have got %v", n, content)
		}
	}
	if len(done) != messages {
		t.Errorf("%d of %d were got", len(done), messages)
	}
}

// L-RES-12, L-RES-11.
func applicationKeepsContacts(t *testing.T, s scene) {
	const contactType = "application/vnd.lime.contact+json"
	ana := online(t, s.here, s.person(t, "ana"), nil)
	contact := func(name string) Envelope {
		return Envelope{
			Method: "set", URI: "/contacts", Type: contactType,
			Resource: map[string]any{"identity": name + "@" + domain, "name": name, "group": "work"},
		}
	}
	for _, name := range []string{"rui", "lia", "ivo"} {
		if answer := ana.call(contact(name)); answer.Status != "success" {
			t.Fatalf("a contact is set: %s", answer)
		}
	}
	list := ana.get("/contacts?$take=2")
	page, _ := list.Resource.(map[string]any)
	items, _ := page["items"].([]any)
	if list.Status != "success" || page["itemType"] != contactType || fmt.Sprint(page["total"]) != "3" || len(items) != 2 {
		t.Errorf("the first two are %s", list)
	}
	one := ana.get("/contacts/lia@" + domain)
	if lia, _ := one.Resource.(map[string]any); one.Type != contactType || lia["name"] != "lia" {
		t.Errorf("one is %s", one)
	}
	gone := Envelope{Method: "delete", URI: "/contacts/lia@" + domain}
	if answer := ana.call(gone); answer.Status != "success" {
		t.Errorf("one is removed: %s", answer)
	}
	if answer := ana.call(gone); !answer.failedFor(lime.CodeCommandResourceNotFound) {
		t.Errorf("and once more: %s", answer)
	}
}

// L-MSG-14.
func applicationWithEcho(t *testing.T, s scene) {
	who := s.person(t, "ana")
	ana := online(t, s.here, who, map[string]any{"echo": true})
	who.Instance = "phone"
	phone := online(t, s.there, who, nil)
	ana.send(text("1", ana.identity(), "to all of me"))
	phone.wantText("the other session", "to all of me")
	ana.wantText("and the sender", "to all of me")
	phone.send(text("2", ana.identity(), "to the other"))
	ana.wantText("the other session", "to the other")
	ana.send(text("3", phone.node, "the last"))
	phone.wantText("what was sent later", "the last")
	phone.want("consumed", func(e Envelope) bool { return e.ID == "2" && e.Event == "consumed" })
	if rest := slices.DeleteFunc(phone.received(), func(e Envelope) bool { return e.Content == nil }); len(rest) > 0 {
		t.Errorf("who has not asked for echo got %v", rest)
	}
}

// L-MSG-07, L-SES-20, L-FIN-04: what is sent while nobody is there waits for the node.
func applicationComesBack(t *testing.T, s scene) {
	who := s.person(t, "ana")
	ana := online(t, s.here, who, nil)
	rui := online(t, s.there, s.person(t, "rui"), nil)
	node := ana.node
	for round := range 2 {
		ana.lose()
		for i, to := range []string{node, ana.identity()} {
			content := fmt.Sprintf("letter %d %d", round, i)
			rui.send(text(content, to, content))
			if got := ana.wantText("it comes to who came back", content); got.To != to {
				t.Errorf("it arrived as %s", got)
			}
			rui.want("it is consumed", func(e Envelope) bool {
				return e.ID == content && e.Event == "consumed" && e.From == node
			})
		}
		ana.wantInstances("one session is left", patience, "default")
	}
}

// L-FIN-01.
func applicationFinishes(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	ana.finish()
	ana.wantEnd("after finishing", "finished")
}
