package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lines are the connections of clients, with the goroutines that read from them.
type lines struct {
	tally *tally

	reading sync.WaitGroup
	ended   atomic.Bool // by the clients: what a connection says then is no fault
}

// serve reads frames until the connection ends: texts are for take, which may append
// frames to what is answered. All that one read has brought is answered in one write.
func (l *lines) serve(g *guest, who string, take func(text []byte, now time.Time, answer []byte) []byte) {
	var answer []byte
	for {
		answer = answer[:0]
		now := time.Now()
		for {
			op, payload, ok := g.next()
			if !ok {
				break
			}
			switch op {
			case opText:
				answer = take(payload, now, answer)
			case opPing:
				answer = appendFrame(answer, opPong, payload)
			case opClose:
				l.tally.fail("%s: the edge has closed the connection: %q", who, payload)
				return
			}
		}
		var err error
		if len(answer) > 0 {
			err = g.write(answer)
		}
		if err == nil {
			err = g.fill()
		}
		if err != nil {
			if !l.ended.Load() {
				l.tally.fail("%s: %v", who, err)
			}
			return
		}
	}
}

// pacers is how many goroutines send, each for its share of the senders.
const pacers = 4

// pace has all messages of the tally sent, each when it is due or as soon as it can be,
// until ctx is done. Of n senders the i-th sends the messages i, i+n, i+2n, …, one after the
// other. send borrows a buffer, and returns it grown.
func (l *lines) pace(ctx context.Context, senders int, send func(k int, buffer []byte) []byte) {
	var all sync.WaitGroup
	for i := range pacers {
		all.Go(func() {
			var buffer []byte
			for k := 0; k < l.tally.len() && ctx.Err() == nil; k++ {
				if k%senders%pacers != i {
					continue
				}
				if wait := time.Until(l.tally.due(k)); wait > 0 {
					time.Sleep(wait)
				}
				buffer = send(k, buffer)
			}
		})
	}
	all.Wait()
}
