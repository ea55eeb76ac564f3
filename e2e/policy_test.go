package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
)

// actor is a client of lime/client and what it was told.
type actor struct {
	*client.Client
	t   *testing.T
	got chan string // texts of messages

	told chan *lime.Command // of who is in a room
	here []string           // who is, by that
}

// arrive logs in at an edge, as a guest without a password.
func arrive(t *testing.T, at *edge, node, password string) *actor {
	t.Helper()
	a := &actor{t: t, got: make(chan string, 1000), told: make(chan *lime.Command, 1000)}
	m := new(client.Mux)
	m.HandleMessage("", func(_ context.Context, _ *client.Client, e *lime.Message) error {
		var text string
		if err := json.Unmarshal(e.Content, &text); err != nil {
			return err
		}
		a.got <- text
		return nil
	})
	m.HandleCommand(lime.MethodObserve, "/rooms", func(_ context.Context, _ *client.Client, c *lime.Command) (*client.Document, error) {
		a.told <- c
		return nil, nil
	})
	cfg := client.Config{
		Node: lime.MustParseNode(node), Handler: m, Presence: &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity},
	}
	if password != "" {
		cfg.Scheme = client.Plain(client.Fixed(password))
	}
	eventually(t, node+" logs in", patience, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c, err := client.Dial(ctx, at.url, cfg)
		a.Client = c
		return err
	})
	t.Cleanup(a.Close)
	return a
}

func letter(id, to, text string) *lime.Message {
	content, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	m := &lime.Message{Type: "text/plain", Content: content}
	m.ID, m.To = id, lime.MustParseNode(to)
	return m
}

// write sends a message and returns the code of what the server says against it, or 0.
func (a *actor) write(to, text string) lime.Code {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	err := a.Publish(ctx, letter("", to, text))
	var why *lime.Reason
	switch {
	case err == nil:
		return 0
	case errors.As(err, &why):
		return why.Code
	}
	a.t.Fatalf("%s writes %s: %v", a.Node(), text, err)
	return 0
}

func (a *actor) wantWritten(what, to, text string, want lime.Code) {
	a.t.Helper()
	if got := a.write(to, text); got != want {
		a.t.Errorf("%s: %s is told %d, want %d", what, a.Node(), got, want)
	}
}

// call says something without an id.
func (a *actor) call(to, text string) {
	a.t.Helper()
	if err := a.Send(a.t.Context(), letter("", to, text)); err != nil {
		a.t.Fatal(err)
	}
}

// wantRead waits for exactly these texts.
func (a *actor) wantRead(what string, texts ...string) {
	a.t.Helper()
	for _, want := range texts {
		select {
		case got := <-a.got:
			if got != want {
				a.t.Errorf("%s: %s reads %q, want %q", what, a.Node(), got, want)
			}
		case <-time.After(patience):
			a.t.Fatalf("%s: %s does not get %q", what, a.Node(), want)
		}
	}
}

// says changes something at the server.
func (a *actor) says(method lime.Method, uri, mediaType, resource string) {
	a.t.Helper()
	if _, err := a.Command(a.t.Context(), &lime.Command{Method: method, URI: uri, Type: mediaType, Resource: []byte(resource)}); err != nil {
		a.t.Fatalf("%s %s: %v", a.Node(), resource, err)
	}
}

// forbidden is how many messages an edge has dropped because their recipient did not want
// them.
func (e *edge) forbidden(t *testing.T) int {
	t.Helper()
	text, err := e.page(t.Context(), "/metrics")
	must(t, err)
	line := regexp.MustCompile(`limegrove_routing_dropped_total\{reason="forbidden"\} (\d+)`).FindSubmatch(text)
	if line == nil {
		t.Fatal("the edge does not count what is forbidden")
	}
	n, err := strconv.Atoi(string(line[1]))
	must(t, err)
	return n
}

// TestWhoMaySendToAnAccount over two edges: the account says it, and it holds for who is
// at another edge, whether its owner is there or not.
func TestWhoMaySendToAnAccount(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	here, there := c.edges[0], c.edges[1]
	s := stage{c, place{goLibrary, here}, place{goLibrary, here}}
	names := map[string]string{}
	for _, like := range []string{"rui", "ana", "lia", "bia"} {
		names[like] = s.newAccount(t, like) + "@" + domain
	}
	rui := names["rui"]
	owner := arrive(t, there, rui+"/desk", password)
	ana, lia := arrive(t, here, names["ana"]+"/home", password), arrive(t, here, names["lia"]+"/home", password)
	zed := arrive(t, here, c.name("zed")+"@"+domain+"/x", "")
	contact := func(identity string) {
		owner.says(lime.MethodSet, "/contacts", "application/vnd.lime.contact+json", fmt.Sprintf(`{"identity":%q}`, identity))
	}
	owner.says(lime.MethodMerge, "/account", "application/vnd.lime.account+json", `{"allowUnknownSender":false,"inboxSize":3}`)
	contact(names["lia"])

	ana.wantWritten("unknown", rui, "unknown", lime.CodeAuthorizationPermissionRequired)
	lia.wantWritten("a contact", rui, "a contact", 0)
	owner.wantRead("what was accepted", "a contact")
	zed.wantWritten("a guest", rui, "a guest", lime.CodeAuthorizationPermissionRequired)
	owner.wantWritten("oneself", rui+"/other", "oneself", 0)

	// What has no id is refused where he is, which has heard of what he says.
	eventually(t, "his edge minds who calls", patience, func() error {
		ana.call(rui+"/desk", "hello?")
		if there.forbidden(t) == 0 {
			return errors.New("nothing was dropped")
		}
		return nil
	})
	before := there.forbidden(t)
	for range 10 {
		ana.call(rui+"/desk", "again")
		zed.call(rui, "again")
	}
	eventually(t, "all of it is dropped", patience, func() error {
		if n := there.forbidden(t); n < before+20 {
			return fmt.Errorf("%d of 20", n-before)
		}
		return nil
	})
	lia.call(rui+"/desk", "a call")
	for read := ""; read != "a call"; {
		select {
		case read = <-owner.got:
			if read != "a call" && read != "hello?" { // before his edge had heard
				t.Errorf("he hears %q", read)
			}
		case <-time.After(patience):
			t.Fatal("he does not hear the contact")
		}
	}

	owner.Close() // and nobody is there
	ana.wantWritten("unknown, and he is away", rui, "unknown", lime.CodeAuthorizationPermissionRequired)
	zed.wantWritten("a guest, and he is away", rui, "a guest", lime.CodeAuthorizationPermissionRequired)
	for i := range 2 { // one waits for his other node
		lia.wantWritten("there is room", rui, fmt.Sprint("letter ", i), 0)
	}
	lia.wantWritten("for three", rui, "letter 3", lime.CodeAuthorizationQuotaThresholdExceeded)
	owner = arrive(t, there, rui+"/desk", password)
	owner.wantRead("what has waited", "letter 0", "letter 1")
	eventually(t, "there is room again", patience, func() error {
		if code := lia.write(rui, "letter 4"); code != 0 {
			return fmt.Errorf("she is told %d", code)
		}
		return nil
	})
	owner.wantRead("she writes again", "letter 4")

	contact(names["ana"])
	eventually(t, "who was made a contact may send", patience, func() error {
		if code := ana.write(rui, "a contact now"); code != 0 {
			return fmt.Errorf("she is told %d", code)
		}
		return nil
	})
	owner.wantRead("she may", "a contact now")

	// Whoever has not asked yet hears of the new policy at once.
	owner.says(lime.MethodMerge, "/account", "application/vnd.lime.account+json", `{"allowUnknownSender":true,"allowGuestSender":false}`)
	late := c.addEdge(t)
	arrive(t, late, names["bia"]+"/home", password).wantWritten("he takes messages of everybody", rui, "unknown", 0)
	owner.wantRead("she may", "unknown")
	arrive(t, late, c.name("guest")+"@"+domain+"/x", "").wantWritten("but not of guests", rui, "a guest", lime.CodeAuthorizationPermissionRequired)
}
