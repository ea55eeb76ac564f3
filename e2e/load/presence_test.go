package load

import (
	"testing"
	"time"
)

// TestEverybodyKnowsWhatIsSo: people come online on two edges, some flap, and an edge dies in
// the middle.
func TestEverybodyKnowsWhatIsSo(t *testing.T) {
	for name, kill := range map[string]bool{"all goes well": false, "an edge is killed": true} {
		t.Run(name, func(t *testing.T) {
			o := Presence{
				Cluster: short(t), Identities: 100, Contacts: 20, Window: 2 * time.Second, Flapping: 10, Kill: kill, Print: t.Output(),
			}
			if err := o.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestContactsAreMutual(t *testing.T) {
	const people, contacts = 50, 7
	has := map[[2]int]bool{}
	for i := range people {
		for other := range contactsOf(i, people, contacts) {
			if has[[2]int{i, other}] || i == other {
				t.Errorf("%d has %d twice", i, other)
			}
			has[[2]int{i, other}] = true
		}
	}
	if len(has) != people*contacts {
		t.Errorf("there are %d", len(has))
	}
}
