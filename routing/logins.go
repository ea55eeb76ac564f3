package routing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/subject"
)

// Logins asks routers about sessions' credentials. Guests come in crowds and cost a router a look at
// a name each: who comes while others are asked about is asked about with others, a line of one question each.
type Logins struct {
	nats    *nats.Conn
	timeout time.Duration   // of one question
	ctx     context.Context // done when they are closed
	cancel  context.CancelFunc

	mu      sync.Mutex
	waiting []*login // guests
	running bool
	alone   time.Time // until when guests are asked about one by one, since no router takes several
	taken   bool      // a router has ever taken several
	all     sync.WaitGroup
}

// login is a question about a guest that waits for its answer.
type login struct {
	question string
	gone     bool          // given up
	done     chan struct{} // is sent to once, and has room for it

	// Set before.
	answer []byte
	err    error
}

// logins are those that are done with.
var logins = sync.Pool{New: func() any { return &login{done: make(chan struct{}, 1)} }}

const (
	// lotMost and lotBytes bound what is asked together.
	lotMost  = 256
	lotBytes = 64 << 10 // of which the longest identity is a small part

	// lotEvery is the least time between two of them: what comes in a crowd goes together from here on, to Redis and
	// for its subscriptions, too, and who comes alone waits for nothing.
	lotEvery = 4 * time.Millisecond

	// lotPatience is how long others gather while a router does not answer.
	lotPatience = 20 * time.Millisecond

	// alonePatience is how long guests are asked about one by one after no router took several:
	// those of an earlier version do not, nor those that others decide about guests for.
	alonePatience = 10 * time.Second

	// firstPatience is how long a router may take for several as long as none has ever answered.
	firstPatience = 2 * time.Second
)

// ErrAlone says that no router takes several logins now.
var ErrAlone = errors.New("no router takes several logins at once")

// NewLogins needs a connection made by Connect, and how long a router may take.
func NewLogins(nc *nats.Conn, timeout time.Duration) *Logins {
	l := &Logins{nats: nc, timeout: timeout}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Ask asks any router about a session's credentials, and returns its answer. It borrows the question. An
// error matching nats.ErrNoResponders says that there is no router.
func (l *Logins) Ask(ctx context.Context, scheme string, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return AskLogin(ctx, l.nats, scheme, question)
}

// AskAuthority asks any router that has the cluster's authority, once: what it has done must not be done again. It borrows
// the question. Errors are those of Ask.
func (l *Logins) AskAuthority(ctx context.Context, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	if !l.nats.IsConnected() {
		return nil, errBrokerAway
	}
	msg, err := l.nats.RequestWithContext(ctx, subject.Auth(kindCertificates), question)
	if err != nil {
		return nil, fmt.Errorf("ask the authority: %w", err)
	}
	return msg.Data, nil
}

// Close gives up what is being asked. Nobody may call Ask meanwhile or later.
func (l *Logins) Close() {
	l.cancel()
	l.all.Wait()
}

// Guest asks about a guest together with others, and returns the line of the answer that is about this one. The
// question has no line break. An error matching ErrAlone says that it may be asked by Ask.
func (l *Logins) Guest(ctx context.Context, question string) ([]byte, error) {
	l.mu.Lock()
	if time.Now().Before(l.alone) {
		l.mu.Unlock()
		return nil, ErrAlone
	}
	one := logins.Get().(*login)
	one.question = question
	l.waiting = append(l.waiting, one)
	if !l.running {
		l.running = true
		l.all.Go(l.run)
	}
	l.mu.Unlock()
	select {
	case <-one.done: // its time is bounded
		answer, err := one.answer, one.err
		*one = login{done: one.done}
		logins.Put(one) // nobody else has it any more
		return answer, err
	case <-ctx.Done():
		l.mu.Lock()
		one.gone = true
		l.mu.Unlock()
		return nil, ctx.Err()
	}
}

// run asks about all who wait until nobody does.
func (l *Logins) run() {
	for {
		lot, text := l.take()
		if len(lot) == 0 {
			return
		}
		began := time.Now()
		answered := make(chan struct{})
		l.all.Go(func() {
			defer close(answered)
			l.ask(lot, text)
		})
		select {
		case <-answered:
		case <-time.After(lotPatience): // so that one router that stalls does not hold up all
		}
		time.Sleep(lotEvery - time.Since(began))
	}
}

// take takes some of those who wait, and the text of their questions.
func (l *Logins) take() (lot []*login, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for ; n < len(l.waiting) && len(lot) < lotMost; n++ {
		one := l.waiting[n]
		if one.gone {
			continue
		}
		if len(lot) > 0 {
			if len(text)+len(one.question) >= lotBytes {
				break
			}
			text = append(text, '\n')
		}
		text = append(text, one.question...)
		lot = append(lot, one)
	}
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.running = len(lot) > 0
	return lot, text
}

// ask asks a router about a lot.
func (l *Logins) ask(lot []*login, text []byte) {
	l.mu.Lock()
	timeout, first := l.timeout, !l.taken
	l.mu.Unlock()
	if first { // a broker that does not permit the question answers nothing
		timeout = min(timeout, firstPatience)
	}
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	answer, err := askRouter(ctx, l.nats, subject.Guests, text)
	l.mu.Lock()
	l.taken = l.taken || err == nil
	nobody := errors.Is(err, nats.ErrNoResponders)
	if nobody || first && errors.Is(err, context.DeadlineExceeded) { // there may be those who take one
		err = ErrAlone
		if nobody || !l.taken {
			l.alone = time.Now().Add(alonePatience)
		}
	}
	l.mu.Unlock()
	answers := bytes.Split(answer, []byte("\n"))
	if err == nil && len(answers) != len(lot) {
		if len(answers) != 1 { // which is for all of them
			err = fmt.Errorf("a router answers %d of %d logins", len(answers), len(lot))
		}
		answers = slices.Repeat(answers[:1], len(lot))
	}
	for i, one := range lot {
		if one.err = err; err == nil {
			one.answer = answers[i]
		}
		one.done <- struct{}{}
	}
}
