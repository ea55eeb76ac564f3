package checker_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
)

func TestEverySoundHistoryPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := check(t, soundHistory(t))
		delete(r.Violations, checker.Vacuous) // a short one may have nothing accepted
		if !r.Good() {
			t.Fatalf("%v", r.Examples)
		}
	})
}

// mutation turns a sound history into one that is not, at an event that fits.
type mutation struct {
	name  string
	class checker.Class
	fits  func(s story, i int) bool
	apply func(s story, i int) story
}

var mutations = []mutation{
	{
		"every delivery of an accepted message is taken away", checker.Lost,
		func(s story, i int) bool { return s[i].Kind == history.Accepted },
		func(s story, i int) story {
			id := s[i].ID
			return slices.DeleteFunc(s, func(e history.Event) bool {
				return e.Kind == history.Delivered && e.ID == id
			})
		},
	},
	{
		"a delivery is repeated", checker.Duplicated,
		isDelivery,
		func(s story, i int) story { return slices.Insert(s, i+1, s[i]) },
	},
	{
		"two deliveries that have an order change places", checker.Reordered,
		func(s story, i int) bool { return ordered(s, i) >= 0 },
		func(s story, i int) story {
			j := ordered(s, i)
			s[i], s[j] = s[j], s[i]
			return s
		},
	},
	{
		"a delivery goes to somebody else", checker.Misdelivered,
		isDelivery,
		func(s story, i int) story {
			e := s[i]
			e.Session = "eva#1"
			return slices.Insert(s, i,
				history.Event{Kind: history.Established, Session: "eva#1", Node: "eva@t/1"}, e)
		},
	},
	{
		"a message is delivered that nobody has sent", checker.Unknown,
		isDelivery,
		func(s story, i int) story {
			e := s[i]
			e.ID = "unheard of"
			return slices.Insert(s, i, e)
		},
	},
	{
		"a message comes from another", checker.Altered,
		isDelivery,
		func(s story, i int) story { s[i].From = "eva@t/1"; return s },
	},
	{
		"the accepted of a first attempt comes behind its dispatched", checker.Early,
		func(s story, i int) bool {
			return s[i].Kind == history.Dispatched && s[i-1].Kind == history.Accepted && attempts(s[:i], s[i].ID) == 1
		},
		func(s story, i int) story { s[i], s[i-1] = s[i-1], s[i]; return s },
	},
	{
		"an accepted message fails", checker.Belied,
		func(s story, i int) bool {
			return s[i].Kind == history.Accepted && slices.ContainsFunc(s, func(e history.Event) bool {
				return e.Kind == history.Delivered && e.ID == s[i].ID
			})
		},
		func(s story, i int) story {
			return slices.Insert(s, i+1, history.Event{
				Kind: history.Failed, Session: s[i].Session, ID: s[i].ID, Code: 51,
			})
		},
	},
	{
		"a message that has failed is dispatched", checker.AfterFailed,
		func(s story, i int) bool {
			return s[i].Kind == history.Failed && !slices.ContainsFunc(s[:i], func(e history.Event) bool {
				return e.Kind == history.Sent && e.ID == s[i].ID && e.Session != s[i].Session
			})
		},
		func(s story, i int) story {
			return slices.Insert(s, i+1, history.Event{
				Kind: history.Dispatched, Session: s[i].Session, ID: s[i].ID,
			})
		},
	},
	{
		"the end is missing", checker.Vacuous,
		func(s story, i int) bool { return s[i].Kind == history.End },
		func(s story, i int) story { return s[:i] },
	},
}

func TestEveryMutationIsFound(t *testing.T) {
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			applied := 0
			rapid.Check(t, func(t *rapid.T) {
				s := soundHistory(t)
				var places []int
				for i := range s {
					if m.fits(s, i) {
						places = append(places, i)
					}
				}
				if len(places) == 0 {
					return
				}
				applied++
				mutant := m.apply(slices.Clone(s), rapid.SampledFrom(places).Draw(t, "place"))
				r := check(t, mutant)
				if r.Violations[m.class] == 0 {
					t.Fatalf("%s is not reported; what is: %v", m.class, r.Examples)
				}
			})
			if applied == 0 {
				t.Error("it was never applied")
			}
		})
	}
}

func isDelivery(s story, i int) bool { return s[i].Kind == history.Delivered }

func attempts(s story, id string) (n int) {
	for _, e := range s {
		if e.Kind == history.Sent && e.ID == id {
			n++
		}
	}
	return n
}

// ordered finds, for a delivery, a later one of the same session that has to be behind
// it: of the same sender and address, first sent after the first was accepted. Neither
// may have come to that session's node before.
func ordered(s story, i int) int {
	a := s[i]
	if a.Kind != history.Delivered {
		return -1
	}
	accepted := slices.IndexFunc(s, func(e history.Event) bool {
		return e.Kind == history.Accepted && e.ID == a.ID
	})
	if accepted < 0 {
		return -1
	}
	node, _, _ := strings.Cut(a.Session, "#")
	fresh := func(j int) bool {
		return !slices.ContainsFunc(s[:j], func(e history.Event) bool {
			return e.Kind == history.Delivered && e.ID == s[j].ID && strings.HasPrefix(e.Session, node+"#")
		})
	}
	for j := i + 1; j < len(s); j++ {
		b := s[j]
		if b.Kind != history.Delivered || b.Session != a.Session || b.From != a.From || b.Sender != a.Sender || b.To != a.To || b.Seq <= a.Seq {
			continue
		}
		sent := slices.IndexFunc(s, func(e history.Event) bool { return e.Kind == history.Sent && e.ID == b.ID })
		if sent > accepted && sent < i && fresh(i) && fresh(j) {
			return j
		}
	}
	return -1
}
