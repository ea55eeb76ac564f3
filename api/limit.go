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
	rate  int // a second; negative for no limit
	burst int

	mu  sync.Mutex
	all map[string]*rate.Limiter // by the key's id
}

func newLimiters(perSecond int) *limiters {
	return &limiters{rate: perSecond, burst: max(2*perSecond, leastBurst), all: map[string]*rate.Limiter{}}
}

func (l *limiters) of(id string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.all[id]
	if one == nil {
		if len(l.all) >= maxLimiters {
			clear(l.all)
		}
		one = rate.NewLimiter(rate.Limit(l.rate), l.burst)
		l.all[id] = one
	}
	return one
}

// take has a key use so many requests, and tells the client in h what is left. It returns nil when
// there are as many.
func (l *limiters) take(id string, n int, h http.Header) *problem {
	if l.rate < 0 {
		return nil
	}
	one, now := l.of(id), time.Now()
	ok := one.AllowN(now, n)
	left := max(one.TokensAt(now), 0)
	h.Set("RateLimit-Limit", strconv.Itoa(l.burst))
	h.Set("RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil((float64(l.burst)-left)/float64(l.rate)))))
	if ok {
		return nil
	}
	wait := time.Duration((float64(n) - left) / float64(l.rate) * float64(time.Second))
	return &problem{
		kind: kindTooMany, status: http.StatusTooManyRequests, detail: "The key has made too many requests", after: max(wait, time.Millisecond),
	}
}
