package scenario

import "time"

// Course is when a scenario is under way, as times since the epoch.
type Course struct {
	Start    time.Duration `json:"start"`
	Measured time.Duration `json:"measured"` // what is due from then on is measured: the warm-up is over
	End      time.Duration `json:"end"`      // nothing is due from then on
	// Disturbances is how often a scenario disturbs. The measured time is made of twice as many phases of one length,
	// in turns quiet and disturbed, so that whatever else changes meanwhile changes both.
	Disturbances int `json:"disturbances,omitempty"`
}

// measures tells whether what was due then is measured.
func (c *Course) measures(due time.Duration) bool { return due >= c.Measured && due < c.End }

// Begins is when a phase begins, from 0 to Phases; the last one is the end.
func (c *Course) Begins(phase int) time.Duration {
	return c.Measured + (c.End-c.Measured)*time.Duration(phase)/time.Duration(max(c.Phases(), 1))
}

// Phases is how many there are; 0 when nobody disturbs.
func (c *Course) Phases() int { return 2 * c.Disturbances }

// second is in which second of a phase something is due, and whether the phase has all of it.
func (c *Course) second(phase int, due time.Duration) (n int, whole bool) {
	begins := c.Begins(phase)
	n = int((due - begins) / time.Second)
	return n, begins+time.Duration(n+1)*time.Second <= c.Begins(phase+1)
}

// Disturbs tells whether a phase is one of those that are disturbed.
func Disturbs(phase int) bool { return phase%2 == 1 }

// phase is the one of a time that is measured.
func (c *Course) phase(at time.Duration) int {
	n := c.Phases()
	if n == 0 {
		return 0
	}
	return min(int(int64(at-c.Measured)*int64(n)/int64(c.End-c.Measured)), n-1)
}

// disturbs tells whether it is disturbed then.
func (c *Course) disturbs(at time.Duration) bool {
	return c.Disturbances > 0 && c.measures(at) && Disturbs(c.phase(at))
}

// aftermath is the part of a quiet phase behind a disturbed one that counts for neither: what the disturbance has left
// is yet to go.
const aftermath = 4

// counts tells whether what is due then counts, and in which phase.
func (c *Course) counts(due time.Duration) (phase int, ok bool) {
	if !c.measures(due) {
		return 0, false
	}
	phase = c.phase(due)
	if phase > 0 && !Disturbs(phase) {
		begins := c.Begins(phase)
		return phase, due >= begins+(c.Begins(phase+1)-begins)/aftermath
	}
	return phase, true
}
