package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"
)

// TestBachataOutlivesItsEdges: what was taken by 100 comes, whichever edge is killed: B-33.
func TestBachataOutlivesItsEdges(t *testing.T) {
	t.Parallel()
	c := startChannels(t, 3, nil)
	t.Run("that of the receiver", func(t *testing.T) { receiversEdgeDies(t, c, c.edges[0], c.edges[1], c.edges[2]) })
	t.Run("that of the sender", func(t *testing.T) { sendersEdgeDies(t, c, c.edges[0], c.edges[2]) })
}

// receiversEdgeDies between what a receiver was handed and what it has confirmed.
func receiversEdgeDies(t *testing.T, c *cluster, sends, dies, lives *edge) {
	ana, bob := c.name("ana"), c.name("bob")
	a, b := inChannel(t, sends, ana), inChannel(t, dies, bob)
	confirmed := map[string]int{}
	// takes sends a message, and waits for 100.
	takes := func(id int) {
		a.says(fmt.Sprintf(`{"id":"%d","type":"text","dest":%q,"data":"x"}`, id, bob))
		for {
			v, _ := a.next("it is taken").(map[string]any)
			if v["type"] == float64(100) && v["data"] == fmt.Sprint(id) {
				return
			}
			a.isConfirmed(v, confirmed)
		}
	}
	const known, handed, all = 5, 20, 30
	for id := range handed {
		takes(id)
	}
	for id := range handed {
		b.gets("it comes", fmt.Sprintf(`{"id":"%d","type":"text","dest":%q,"data":"x"}`, id, bob))
		if id < known {
			b.says(fmt.Sprintf(`{"type":200,"data":"%d"}`, id))
		}
	}
	for len(confirmed) < known {
		v, _ := a.next("it is confirmed").(map[string]any)
		a.isConfirmed(v, confirmed)
	}
	dies.kill()
	for id := handed; id < all; id++ {
		takes(id)
	}
	b = inChannel(t, lives, bob)
	for id := known; id < all; {
		v, _ := b.next("what was not confirmed comes again").(map[string]any)
		got, _ := v["id"].(string)
		switch {
		case got == fmt.Sprint(id):
			id++
		case slices.Contains([]string{"0", "1", "2", "3", "4"}, got): // of which the edge had told nobody yet
		default:
			t.Fatalf("%s comes where %d belongs", got, id)
		}
		b.says(fmt.Sprintf(`{"type":200,"data":%q}`, got))
	}
	for len(confirmed) < all {
		v, _ := a.next("it is confirmed").(map[string]any)
		a.isConfirmed(v, confirmed)
	}
	a.getsNothing("each once")
}

// isConfirmed notes a 300, of which there is one for each id.
func (s *socket) isConfirmed(frame map[string]any, confirmed map[string]int) {
	s.t.Helper()
	id, _ := frame["data"].(string)
	confirmed[id]++
	if frame["type"] != float64(300) || confirmed[id] > 1 {
		s.t.Errorf("got %v for the %d. time", frame, confirmed[id])
	}
}

// sendersEdgeDies while it takes messages for a receiver that is away.
func sendersEdgeDies(t *testing.T, c *cluster, dies, lives *edge) {
	ana, bob := c.name("ana"), c.name("bob")
	a := inChannel(t, dies, ana)
	const all, before = 5000, 100
	dead := make(chan struct{})
	go func() {
		for id := range all {
			if id == all-1 { // the edge dies on the way
				<-dead
			}
			if wsutil.WriteClientText(a.conn, fmt.Appendf(nil, `{"id":"%d","type":"text","dest":%q,"data":"x"}`, id, bob)) != nil {
				return
			}
		}
	}()
	taken := map[string]bool{}
	for {
		must(t, a.conn.SetReadDeadline(time.Now().Add(patience)))
		text, _, err := wsutil.ReadServerData(a.conn)
		if err != nil {
			break
		}
		var frame struct {
			Type int
			Data string
		}
		must(t, json.Unmarshal(text, &frame))
		if frame.Type != 100 || taken[frame.Data] {
			t.Errorf("%s comes", text)
		}
		taken[frame.Data] = true
		if len(taken) == before {
			dies.kill() // what it has written is still to be read
			close(dead)
		}
	}
	if len(taken) < before || len(taken) == all {
		t.Fatalf("%d were taken before it died", len(taken))
	}
	t.Logf("%d of %d messages were taken", len(taken), all)
	came := make(chan string, 2*all)
	go inChannel(t, lives, bob).confirms(came)
	late := time.After(patience)
	for left, last := len(taken), -1; left > 0; {
		select {
		case id := <-came:
			n, err := strconv.Atoi(id)
			if err != nil || n < last {
				t.Errorf("%s comes behind %d", id, last)
			}
			last = n
			if taken[id] {
				left--
				taken[id] = false // once is enough
			}
		case <-late:
			t.Fatalf("%d of those that were taken have not come", left)
		}
	}
	a = inChannel(t, lives, ana)
	a.says(`{"id":"last","type":"text","dest":"` + bob + `","data":"x"}`)
	for {
		if v, _ := a.next("it goes on elsewhere").(map[string]any); v["type"] == float64(300) && v["data"] == "last" {
			break
		}
	}
}
