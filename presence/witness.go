package presence

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
)

// A lease is one key on one server. The registrations of its edge lie on all
// servers of a cluster, and one of them may lose its part: it restarts empty,
// or a replica takes over that lacks the last writes. So each lane has a
// witness, a key in its range of slots, which holds the run id of the server
// that wrote it. A witness that is missing, or was written under another run,
// means that registrations may be missing, too. So does one that was written
// anew without the keeper's knowledge: its own call may have done that, of
// which the answer was lost.

// witnessTags returns a hash tag for each of n lanes.
func witnessTags(n int) []string {
	tags := make([]string, n)
	for i, found := 0, 0; found < n; i++ {
		tag := "w" + strconv.Itoa(i)
		lane := slotOf(tag) * n / clusterSlots
		if tags[lane] == "" {
			tags[lane] = tag
			found++
		}
	}
	return tags
}

func witnessKey(e EdgeID, tag string) string {
	return leasePrefix + string(e) + ":{" + tag + "}"
}

// witnesses is what a keeper knows of those of its lease.
type witnesses struct {
	seen []string // the value of each that was answered last; "" for none
	sign string   // what is written to those that are missing, until all have answered
}

func (s *Store) newWitnesses() *witnesses {
	return &witnesses{seen: make([]string, len(s.witnesses)), sign: rand.Text()}
}

// witness renews all witnesses of e and tells whether one was missing, of
// another run or another than was known, also beside an error.
func (s *Store) witness(ctx context.Context, e EdgeID, known *witnesses) (missing bool, err error) {
	calls := make([]*call, len(s.witnesses))
	for i, tag := range s.witnesses {
		calls[i] = s.scriptCall(ctx, witnessScript, witnessKey(e, tag), s.cfg.LeaseTTL.Milliseconds(), known.seen[i], known.sign)
	}
	s.pipeline(ctx, calls)
	for i, c := range calls {
		if c.cmd.Err() != nil {
			err = c.cmd.Err()
			continue
		}
		if cmd, ok := c.cmd.(interface{ Text() (string, error) }); ok {
			answer, _ := cmd.Text()
			same := strings.HasPrefix(answer, "1")
			missing = missing || !same
			known.seen[i] = answer[min(1, len(answer)):]
		}
	}
	if err == nil {
		known.sign = rand.Text()
	}
	return missing, err
}
