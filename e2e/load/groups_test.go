package load

import (
	"testing"
	"time"
)

// TestGroupsGetEachMessageOnceAndInOrder: members on two edges, acknowledging both ways.
func TestGroupsGetEachMessageOnceAndInOrder(t *testing.T) {
	for _, receipts := range []Receipts{Pongs, Received} {
		t.Run(string(receipts), func(t *testing.T) {
			o := Groups{
				Cluster: short(t), Groups: 3, Members: 20, Rate: 30, Duration: 3 * time.Second, Warmup: time.Second,
				Size: 100, Receipts: receipts, Print: t.Output(),
			}
			v, err := o.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Err(); err != nil {
				t.Error(err)
			}
			if v.Delivered != v.Sent || v.Dispatched != v.Sent || v.Received != v.Sent {
				t.Errorf("of %d messages %d came to all members; their senders heard dispatched of %d, received of %d",
					v.Sent, v.Delivered, v.Dispatched, v.Received)
			}
		})
	}
}

func TestCopiesTellWhatIsWrong(t *testing.T) {
	type got struct{ member, k int }
	for _, tc := range []struct {
		name string
		got  []got
		want Verdict
	}{
		{"all is well", []got{{0, 0}, {1, 0}, {1, 2}, {0, 2}, {0, 4}, {1, 4}}, Verdict{Delivered: 3}},
		{"another order than was sent, of two senders", []got{{0, 2}, {0, 0}, {1, 2}, {1, 0}, {0, 4}, {1, 4}}, Verdict{Delivered: 3}},
		{"another order than was sent, of one", []got{{0, 4}, {0, 0}, {1, 4}, {1, 0}, {0, 2}, {1, 2}}, Verdict{Delivered: 3, Disordered: 1}},
		{"two orders", []got{{0, 0}, {0, 2}, {0, 4}, {1, 2}, {1, 0}, {1, 4}}, Verdict{Delivered: 3, Disordered: 1}},
		{"a copy too few", []got{{0, 0}, {1, 0}, {0, 2}, {1, 2}, {0, 4}}, Verdict{Delivered: 2, Lost: 1}},
		{"a copy too many", []got{{0, 0}, {1, 0}, {0, 2}, {0, 2}, {1, 2}, {0, 4}, {1, 4}}, Verdict{Delivered: 3, Twice: 1}},
		{"another group's", []got{{0, 0}, {1, 0}, {0, 1}, {0, 2}, {1, 2}, {0, 4}, {1, 4}}, Verdict{Delivered: 3, Faults: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			y := newTally(5, 1000) // of which group 0 has 0, 2 and 4, by the senders 0, 1 and 0
			y.start = time.Unix(1, 0)
			y.sent.Store(3)
			c := newCopies(y, 2, 2, 2)
			last := make([]int32, 2)
			for _, g := range tc.got {
				last[g.member] = c.note(0, g.member, g.k, last[g.member], y.due(g.k).Add(time.Millisecond))
			}
			v := c.verdict()
			v.Sent, v.Fault = 0, ""
			if v != tc.want {
				t.Errorf("%+v, want %+v", v, tc.want)
			}
			if d := c.between(0, 5); d.at(0) != time.Millisecond || d.at(1) != time.Millisecond {
				t.Errorf("delays of 1 ms are %v", d)
			}
		})
	}
}
