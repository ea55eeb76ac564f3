package routing

import (
	"errors"
	"testing"
	"time"
)

// takes returns the jobs that there are at a time.
func takes(q *readerQueues, now time.Time) (all []*readerJob) {
	for {
		j, ok := q.next(now)
		if !ok {
			return all
		}
		all = append(all, &j)
	}
}

// fill has n members of a partition read for.
func fill(q *readerQueues, partition, n int) (members []*Member) {
	for range n {
		m := &Member{hub: &hub{partition: uint16(partition)}}
		members = append(members, m)
		q.read(m)
	}
	return members
}

func TestAPartitionKeepsFewWorkersBusy(t *testing.T) {
	for partitions, want := range map[int]int{1: readWorkers, 2: readWorkers / 2, 4: readWorkers / 4, 16: 4, 100: 4} {
		q := newReaderQueues(partitions)
		members := fill(q, partitions-1, 2*readWorkers)
		jobs := takes(q, time.Time{})
		if len(jobs) != want {
			t.Fatalf("of %d partitions one keeps %d workers busy, want %d", partitions, len(jobs), want)
		}
		for i, j := range jobs {
			if j.member != members[i] || j.partition != partitions-1 {
				t.Errorf("the order of its members is not kept")
			}
		}
		q.done(jobs[0], time.Time{})
		if more := takes(q, time.Time{}); len(more) != 1 || more[0].member != members[want] {
			t.Errorf("when one is done %d are begun", len(more))
		}
	}
}

func TestPartitionsTakeTurns(t *testing.T) {
	q := newReaderQueues(3)
	fill(q, 0, 2)
	fill(q, 2, 2)
	var turns []int
	for _, j := range takes(q, time.Time{}) {
		turns = append(turns, j.partition)
	}
	if len(turns) != 4 || turns[0] == turns[1] || turns[1] == turns[2] || turns[2] == turns[3] {
		t.Errorf("the turns are %v", turns)
	}
}

func TestThoseWhoBeginTogetherAreOneJob(t *testing.T) {
	q := newReaderQueues(1)
	for range startLot + 1 {
		q.start(&Member{hub: &hub{}})
	}
	jobs := takes(q, time.Time{})
	if len(jobs) != 1 || len(jobs[0].lot) != startLot {
		t.Fatalf("%d jobs", len(jobs))
	}
	q.done(jobs[0], time.Time{})
	if jobs = takes(q, time.Time{}); len(jobs) != 1 || len(jobs[0].lot) != 1 {
		t.Fatalf("%d jobs for the rest", len(jobs))
	}
}

func TestASilentPartitionIsTriedByOneAfterAPause(t *testing.T) {
	q := newReaderQueues(16)
	fill(q, 3, 100)
	now := time.Unix(1, 0)
	fails := func(j *readerJob) (silent bool) {
		j.asked, j.err = true, errors.New("no leader")
		return q.done(j, now) == fellSilent
	}
	for i, j := range takes(q, now) {
		if fails(j) != (i == 0) {
			t.Error("that it has fallen silent is told once, whoever else was waiting for it")
		}
	}
	for _, ms := range []int{50, 100, 200, 400, 800, 1600, 2000, 2000} {
		pause := time.Duration(ms) * time.Millisecond
		if jobs := takes(q, now.Add(pause-1)); len(jobs) > 0 {
			t.Fatalf("it is tried before %v", pause)
		}
		now = now.Add(pause)
		jobs := takes(q, now)
		if len(jobs) != 1 {
			t.Fatalf("%d try it after %v", len(jobs), pause)
		}
		if fails(jobs[0]) {
			t.Error("it has fallen silent again")
		}
	}
	now = now.Add(mostPause)
	fill(q, 4, 1)
	jobs := takes(q, now)
	if len(jobs) != 2 {
		t.Fatalf("%d jobs, want one of each partition", len(jobs))
	}
	nothing := jobs[0]
	if nothing.partition != 3 {
		nothing = jobs[1]
	}
	if q.done(nothing, now) != noChange {
		t.Error("a member that had nothing to ask says that it answers")
	}
	trial := takes(q, now)
	if len(trial) != 1 {
		t.Fatalf("%d try it after that", len(trial))
	}
	trial[0].asked = true
	if q.done(trial[0], now) != answers {
		t.Error("nobody tells that it answers")
	}
	if jobs := takes(q, now); len(jobs) != leastShare {
		t.Errorf("then %d read, want %d", len(jobs), leastShare)
	}
}

func TestASilentPartitionThatNobodyWaitsForIsSilentNoLonger(t *testing.T) {
	now := time.Unix(1, 0)
	for _, row := range []struct {
		sentence string
		waiting  int // when the pause is over
	}{
		{"who has waited has nothing to ask", 1},
		{"several such", 3},
		{"nobody is left when the trial fails", 0},
	} {
		q := newReaderQueues(16)
		fill(q, 3, 1)
		job := takes(q, now)[0]
		job.asked, job.err = true, errors.New("no leader")
		fill(q, 3, row.waiting)
		if q.done(job, now) != fellSilent {
			t.Errorf("%s: it has not fallen silent", row.sentence)
		}
		if len(takes(q, now)) > 0 {
			t.Errorf("%s: it is tried at once", row.sentence)
		}
		then := now.Add(leastPause)
		var changes []readerChange
		for jobs := takes(q, then); len(jobs) > 0; jobs = takes(q, then) {
			for _, j := range jobs {
				changes = append(changes, q.done(j, then))
			}
		}
		n := max(1, row.waiting)
		if len(changes) != n || changes[n-1] != leftAlone {
			t.Errorf("%s: %v are the changes, of %d jobs", row.sentence, changes, n)
		}
		fill(q, 3, leastShare)
		if n := len(takes(q, then)); n != leastShare {
			t.Errorf("%s: %d are read for then, want %d", row.sentence, n, leastShare)
		}
	}
}

func TestAWorkerIsWokenForWhatIsLeft(t *testing.T) {
	q := newReaderQueues(16)
	fill(q, 0, leastShare+1)
	woken := func() bool {
		select {
		case <-q.wake:
			return true
		default:
			return false
		}
	}
	jobs := takes(q, time.Time{})
	for woken() { // those that were needed so far
	}
	q.done(jobs[0], time.Time{})
	if !woken() {
		t.Error("nobody comes for the member that had to wait")
	}
	takes(q, time.Time{})
	if woken() {
		t.Error("a worker is woken for nothing")
	}
}
