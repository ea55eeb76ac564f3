package router

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestWhatIsToldNoFurtherTimeIsCounted(t *testing.T) {
	lost := newUnrepeated(prometheus.NewRegistry())
	nc, rui := natstest.Start(t), lime.MustParseIdentity("rui@t.org")
	e := newAccountEvents(nc, &complaint.Log{Logger: logrus.New()}, lost, nil, nil)
	grants := newRepeats(grantedAgain, lost[repeatGrant], func(context.Context, lime.Identity) {})
	const more = 3
	for range eventBacklog + more {
		e.own(rui, lime.Node{Identity: rui})
		e.revoke(rui, "k", lime.Node{})
		e.tellLast(rui)
		grants.add(rui)
	}
	for what, want := range map[repeat]float64{
		repeatAccount: more, repeatKey: more, repeatDeletion: more, repeatGrant: more, repeatDelegation: 0, repeatPolicy: 0,
	} {
		var m dto.Metric
		if err := lost[what].Write(&m); err != nil {
			t.Fatal(err)
		}
		if n := m.GetCounter().GetValue(); n != want {
			t.Errorf("%v of %s are counted, want %v", n, what, want)
		}
	}
}
