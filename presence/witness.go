package presence

import (
	"context"
	"strconv"
)

// A lease is one key on one server. The registrations of its edge lie on all
// servers of a cluster, and one of them may lose its part: it restarts empty,
// or a replica takes over that lacks the last writes. So each lane has a
// witness, a key in its range of slots, which holds the run id of the server
// that wrote it. A witness that is missing, or was written under another run,
// means that registrations may be missing, too.

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

// witness renews all witnesses of e and tells whether one was missing or of
// another run, also beside an error.
func (s *Store) witness(ctx context.Context, e EdgeID) (missing bool, err error) {
	calls := make([]*call, len(s.witnesses))
	for i, tag := range s.witnesses {
		calls[i] = s.scriptCall(ctx, witnessScript, witnessKey(e, tag), s.cfg.LeaseTTL.Milliseconds())
	}
	s.pipeline(ctx, calls)
	for _, c := range calls {
		if c.cmd.Err() != nil {
			err = c.cmd.Err()
			continue
		}
		if cmd, ok := c.cmd.(interface{ Text() (string, error) }); ok {
			same, _ := cmd.Text()
			missing = missing || same != "1"
		}
	}
	return missing, err
}
