package e2e

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
)

// TestThousandMessagesEachWay: none is lost, none comes twice, and each comes in the
// order in which it was sent (L-MSG-11).
func TestThousandMessagesEachWay(t *testing.T) {
	t.Parallel()
	const messages = 1000
	c := startCluster(t, 2, "-tcp", address(0))
	for _, k := range []kind{
		{"lime-js", limeJS(t), (*edge).overWebSocket},
		{"Go", goLibrary, (*edge).overWebSocket},
		{"lime-go over TCP", limeGo(t, "-pongs"), (*edge).overTCP},
	} {
		t.Run(k.name, func(t *testing.T) {
			s := stage{c, k.at(c.edges[0]), k.at(c.edges[1])}
			ana, rui := s.guest(t, s.here, "ana", "home"), s.guest(t, s.there, "rui", "desk")
			var sending sync.WaitGroup
			sending.Go(func() { sendNumbered(ana, rui, messages) })
			sending.Go(func() { sendNumbered(rui, ana, messages) })
			sending.Wait()
			for from, to := range map[*session]*session{ana: rui, rui: ana} {
				got := tallyNumbered(from, to, messages)
				line := fmt.Sprintf("%s, %s to %s: sent %d, %s", k.name, from.node, to.node, messages, got)
				t.Log(line)
				_, _ = fmt.Fprintln(os.Stdout, line) // for those who run without -v
				if got != (tally{received: messages}) {
					t.Errorf("from %s to %s not all is well: %s", from.node, to.node, got)
				}
			}
		})
	}
}

// sendNumbered sends messages whose ids are 0, 1, 2, …. It may be called from any
// goroutine.
func sendNumbered(from, to *session, messages int) {
	for i := range messages {
		if err := from.client.Send(text(strconv.Itoa(i), to.node, "")); err != nil {
			from.t.Errorf("%s sends message %d: %v", from.node, i, err)
			return
		}
	}
}

// tally is what became of numbered messages.
type tally struct{ received, lost, twice, disordered int }

func (y tally) String() string {
	return fmt.Sprintf("received %d, lost %d, twice %d, out of order %d", y.received, y.lost, y.twice, y.disordered)
}

// tallyNumbered waits for one more message, behind all the others, and counts what has
// come before it.
func tallyNumbered(from, to *session, sent int) (y tally) {
	to.t.Helper()
	from.send(text("last", to.node, "last"))
	to.wantText("the last message", "last")
	seen, highest := map[int]bool{}, -1
	for _, e := range to.received() {
		i, err := strconv.Atoi(e.ID)
		switch {
		case err != nil || e.From != from.node || e.Event != "":
			to.t.Errorf("%s has got %s", to.node, e)
			continue
		case seen[i]:
			y.twice++
		case i < highest:
			y.disordered++
		}
		seen[i], highest = true, max(highest, i)
	}
	y.received, y.lost = len(seen), sent-len(seen)
	return y
}
