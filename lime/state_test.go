package lime

import (
	"errors"
	"testing"
)

func TestSessionsGoOnAndNeverBack(t *testing.T) { // L-FIN-06
	for from := State(0); from <= StateFailed+1; from++ {
		for to := State(0); to <= StateFailed+1; to++ {
			if from.CanMove(to) && to < from {
				t.Errorf("a session goes back from %s to %s", from, to)
			}
			if from.CanMove(to) && (from.Ended() || to == 0 || to > StateFailed) {
				t.Errorf("a session goes from %s to %s", from, to)
			}
		}
	}
	for _, way := range [][]State{
		{0, StateNew, StateNegotiating, StateNegotiating, StateAuthenticating, StateAuthenticating, StateEstablished, StateFinishing, StateFinished},
		{0, StateNew, StateAuthenticating, StateEstablished, StateFinished},
		{0, StateNew, StateEstablished, StateFailed},
		{0, StateFailed},
	} {
		for i := range way[1:] {
			if err := way[i].Move(way[i+1]); err != nil {
				t.Error(err)
			}
		}
	}
	for from := StateNew; !from.Ended(); from++ {
		if !from.CanMove(StateFailed) {
			t.Errorf("a session cannot fail in %s", from)
		}
	}
}

func TestAMoveThatIsNotThereIsRefusedByName(t *testing.T) {
	for _, c := range []struct {
		from, to State
		want     string
	}{
		{StateEstablished, StateNew, "A session cannot go from established to new (code 15)"},
		{0, StateAuthenticating, "A session cannot go from no state to authenticating (code 15)"},
		{StateFinished, StateFailed, "A session cannot go from finished to failed (code 15)"},
		{99, 0, "A session cannot go from 99 to no state (code 15)"},
	} {
		err := c.from.Move(c.to)
		if err == nil || err.Error() != c.want || !errors.Is(err, &Reason{Code: CodeSessionInvalidActionForState}) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
