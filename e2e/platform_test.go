package e2e

import (
	"maps"
	"slices"
	"testing"
)

// platform is where applications of one library play, against one edge.
type platform struct {
	place
	name string

	// itself says that the library sets presence and receipts, and comes back, of
	// itself. For others the scenarios do it, as applications do.
	itself bool

	// For what is recorded: the instance that it logs in with, and whether it sends
	// receipts.
	instance string
	receipts bool
}

// scene is a stage for applications, with places for them on different edges.
type scene struct {
	stage
	here, there platform
}

// application is a session of a platform that can come back.
type application struct {
	*session
	at  platform
	who Login
}

// TestChatPlatforms plays what the applications of a chat platform do: with those of
// lime-js and of blip-sdk, and of one with the other.
func TestChatPlatforms(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-auth", "guest,plain,key")
	js, sdk := limeJS(t), blip(t)
	at := func(e int, itself bool) platform {
		if itself {
			return platform{place: place{sdk, c.edges[e]}, name: "blip-sdk", itself: true, receipts: true}
		}
		return platform{place: place{js, c.edges[e]}, name: "lime-js", receipts: true}
	}
	for _, p := range []struct{ here, there bool }{{false, false}, {true, true}, {false, true}, {true, false}} {
		s := scene{stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[1]}}, at(0, p.here), at(1, p.there)}
		t.Run(s.here.name+" with "+s.there.name, func(t *testing.T) {
			scenarios := platformScenarios
			if p.here != p.there {
				scenarios = slices.Concat(scenarios, presenceOfOthers)
			}
			for _, one := range scenarios {
				t.Run(one.name, func(t *testing.T) {
					t.Parallel()
					one.play(t, s)
				})
			}
			if p.here == p.there {
				t.Run("it speaks as it is recorded", func(t *testing.T) { speaksAsRecorded(t, s.stage, s.here) })
			}
		})
	}
}

// online has an application log in, with its presence and all receipts.
func online(t *testing.T, at platform, who Login, presence map[string]any) *application {
	t.Helper()
	who.Application = true
	a := &application{session: dial(t, at.lib), at: at, who: who}
	a.who.Presence = presence
	a.enter()
	return a
}

// enter logs in.
func (a *application) enter() {
	a.t.Helper()
	if answer := a.loginAs(a.at.at, a.who); answer.State != "established" {
		a.t.Fatalf("%s logs in: %s", a.who.Identity, answer)
	}
	if a.at.itself || a.who.Password == "" && a.who.Key == "" {
		return
	}
	presence := map[string]any{"status": "available", "routingRule": "identity"}
	maps.Copy(presence, a.who.Presence)
	a.setPresence(presence)
	a.setReceipts("failed", "accepted", "dispatched", "received", "consumed")
}

// lose cuts the connection, after which the application comes back.
func (a *application) lose() {
	a.t.Helper()
	a.client.Drop()
	if !a.at.itself {
		a.enter()
	}
}

// person makes an account and returns the login to it, with the instance that blip-sdk
// proposes of itself.
func (s scene) person(t *testing.T, like string) Login {
	t.Helper()
	return Login{Identity: s.newAccount(t, like) + "@" + domain, Instance: "default", Password: secret(password)}
}
