package poll

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBuffersHaveRoom(t *testing.T) {
	var p pool
	for _, n := range []int{0, 1, minBuffer, minBuffer + 1, 4096, 4097, maxBuffer, maxBuffer + 1} {
		b := p.get(n)
		if b.room() < n || b.len() != 0 {
			t.Errorf("a buffer for %d bytes has room for %d and %d in it", n, b.room(), b.len())
		}
		if b.room() > max(minBuffer, 2*n) {
			t.Errorf("a buffer for %d bytes has %d", n, b.room())
		}
		p.put(b)
	}
}

// Whatever is appended comes out, however it is taken.
func TestQueueKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			p         pool
			q         queue
			in, out   byte // the next byte to append and to come out
			queued    int
			sizes     = rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 200_000))
			next      = func() byte { in++; return in - 1 }
			checkNext = func(t *rapid.T, b byte) {
				if b != out {
					t.Fatalf("%d came out, not %d", b, out)
				}
				out++
			}
		)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				b := make([]byte, sizes.Draw(t, "size"))
				for i := range b {
					b[i] = next()
				}
				q.append(&p, b)
				queued += len(b)
			},
			"write": func(t *rapid.T) {
				taken := q.take()
				more := rapid.IntRange(0, 1000).Draw(t, "appended meanwhile")
				for range more {
					q.append(&p, []byte{next()})
				}
				views := taken.views(make([][]byte, 0, maxViews))
				n := 0
				for _, v := range views {
					n += len(v)
				}
				n = rapid.IntRange(0, n).Draw(t, "taken by the socket")
				for left := n; left > 0; {
					v := views[0][:min(left, len(views[0]))]
					for _, b := range v {
						checkNext(t, b)
					}
					left -= len(v)
					views = views[1:]
				}
				taken.skip(&p, n)
				q.putBack(taken)
				queued += more - n
			},
			"": func(t *rapid.T) {
				if q.empty() != (queued == 0) {
					t.Fatalf("empty is %v with %d bytes", q.empty(), queued)
				}
			},
		})
	})
}
