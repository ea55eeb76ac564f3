package routing

import "time"

// pace is how much a partition is asked at once: while it answers, as much as its share
// of the workers can. When it does not, one of them alone tries it, after a pause that
// doubles, until it answers again.
type pace struct {
	busy    int           // workers that have something under way
	pause   time.Duration // before the next trial; 0 while the partition answers
	until   time.Time     // when that is over
	trouble uint32        // counts the failures that have made the pause longer
}

const (
	// leastPause and mostPause are how long a partition that does not answer is left alone.
	leastPause = 50 * time.Millisecond
	mostPause  = 2 * time.Second

	// leastShare is how many workers a partition may keep busy however many there are.
	leastShare = 4
)

// free tells whether one more worker may begin, of a share.
func (p *pace) free(now time.Time, share int) bool {
	if p.pause > 0 {
		share = 1
	}
	return p.busy < share && !now.Before(p.until)
}

// idle tells whether the partition is silent and nobody tries it.
func (p *pace) idle() bool { return p.pause > 0 && p.busy == 0 }

// begin notes that a worker begins, and returns what it says to fail.
func (p *pace) begin() (trouble uint32) {
	p.busy++
	return p.trouble
}

// end notes that a worker is done, whatever came of it.
func (p *pace) end() { p.busy-- }

// fail notes that the partition has not answered one that began with this trouble, and
// returns whether it has just fallen silent. When it may be tried again, wake is called.
func (p *pace) fail(trouble uint32, now time.Time, wake func()) (silent bool) {
	if trouble != p.trouble {
		return false // it was under way with one that has failed
	}
	silent = p.pause == 0
	p.trouble++
	p.pause = min(max(2*p.pause, leastPause), mostPause)
	p.until = now.Add(p.pause)
	time.AfterFunc(p.pause, wake)
	return silent
}

// answer notes that the partition has answered, and returns whether it was silent.
func (p *pace) answer() (again bool) {
	again = p.pause > 0
	p.pause, p.until = 0, time.Time{}
	return again
}
