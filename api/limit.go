package api

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// leastBurst lets a batch of the most operations through.
const leastBurst = maxBatch

// maxLimiters bounds the keys that are remembered; what is forgotten begins anew.
const maxLimiters = 4096

// limiters are the rates of keys.
type limiters struct {
	mu    sync.Mutex
	rate  int // a second; negative for no limit
	burst int
	all   map[string]*rate.Limiter // by the key's id
}

func newLimiters(perSecond int) *limiters {
	l := new(limiters)
	l.set(perSecond)
	return l
}

// set puts another rate in force, with which all keys begin anew.
func (l *limiters) set(perSecond int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate, l.burst, l.all = perSecond, max(2*perSecond, leastBurst), map[string]*rate.Limiter{}
}

// of returns a key's limiter, which is nil when there is no limit, and what it was made of.
func (l *limiters) of(id string) (one *rate.Limiter, perSecond, burst int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate < 0 {
		return nil, l.rate, l.burst
	}
	one = l.all[id]
	if one == nil {
		if len(l.all) >= maxLimiters {
			clear(l.all)
		}
		one = rate.NewLimiter(rate.Limit(l.rate), l.burst)
		l.all[id] = one
	}
	return one, l.rate, l.burst
}

// take has a key use so many requests, and tells the client in h what is left. It returns nil when
// there are as many.
func (l *limiters) take(id string, n int, h http.Header) *problem {
	one, perSecond, burst := l.of(id)
	if one == nil {
		return nil
	}
	now := time.Now()
	ok := one.AllowN(now, n)
	left := max(one.TokensAt(now), 0)
	h.Set("RateLimit-Limit", strconv.Itoa(burst))
	h.Set("RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil((float64(burst)-left)/float64(perSecond)))))
	if ok {
		return nil
	}
	wait := time.Duration((float64(n) - left) / float64(perSecond) * float64(time.Second))
	return &problem{
		kind: kindTooMany, status: http.StatusTooManyRequests, detail: "The key has made too many requests", after: max(wait, time.Millisecond),
	}
}
