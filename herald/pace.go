package herald

import (
	"time"

	"limegrove/lime"
)

const (
	// slowAfter is from which time on the work on an identity has taken long: it has thousands
	// of contacts, and its sessions come and go, or it has changed them.
	slowAfter = 500 * time.Millisecond

	// restMax is for how long one that has taken long waits at most before it is worked on
	// again: for as long as it has taken. Edges that hear nothing for 10s tell another router.
	restMax = 5 * time.Second

	// slowFor is how long it is remembered that one has taken long, and maxSlow of how many
	// that is. Those beyond are taken to be quick.
	slowFor = time.Minute
	maxSlow = 4096
)

// slowness is what is remembered of an identity that has taken long.
type slowness struct{ rested, forgotten time.Time }

// pace notes how long the work on an identity took, with mu locked.
func (h *Herald) pace(key lime.Identity, took time.Duration) {
	if took < slowAfter {
		delete(h.slow, key)
		return
	}
	now := time.Now()
	if len(h.slow) >= maxSlow {
		for k, s := range h.slow {
			if !now.Before(s.forgotten) {
				delete(h.slow, k)
			}
		}
		if _, is := h.slow[key]; !is && len(h.slow) >= maxSlow {
			return
		}
	}
	h.slow[key] = slowness{now.Add(min(took, restMax)), now.Add(slowFor)}
}

// enqueue has a job done after so long, and no sooner than its identity has rested, with mu
// locked.
func (h *Herald) enqueue(j *job, pause time.Duration) {
	j.due = time.Now().Add(pause)
	if queue := h.queueOf(j); queue == h.slowQueue {
		h.later(j, queue)
	} else {
		queue <- j // whose workers wait until it is due
	}
}

// queueOf returns where a job goes, and makes it due when its identity has rested, with mu
// locked.
func (h *Herald) queueOf(j *job) chan *job {
	s, slow := h.slow[j.key]
	if !slow || !time.Now().Before(s.forgotten) {
		return h.queue
	}
	if j.due.Before(s.rested) {
		j.due = s.rested
	}
	return h.slowQueue
}

// later puts a job into a queue when it is due, or the herald ends, with mu locked.
func (h *Herald) later(j *job, queue chan *job) {
	if h.ending {
		queue <- j
		return
	}
	h.delayed[j] = delay{queue, time.AfterFunc(time.Until(j.due), func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.undelay(j)
	})}
}

// delay is of a job that waits for a queue.
type delay struct {
	queue chan *job
	timer *time.Timer
}

// undelay puts it there, unless that has been done, with mu locked.
func (h *Herald) undelay(j *job) {
	if d, waits := h.delayed[j]; waits {
		delete(h.delayed, j)
		d.timer.Stop()
		d.queue <- j
	}
}

// hurry has all that waits done now, and takes no more.
func (h *Herald) hurry() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ending = true
	for j := range h.delayed {
		h.undelay(j)
	}
}
