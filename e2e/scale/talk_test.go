package scale

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
)

// talk is one client that writes to another: by turns a message that is stored, and one that is not. Both are
// moved from edge to edge meanwhile.
type talk struct {
	sender, recipient *client.Client

	mu       sync.Mutex
	stored   series
	passing  series
	received map[int]bool // stored ones of whose receipt the sender has heard
	sentAt   []time.Time  // of the passing ones
	changes  []time.Time  // when one of both was between two sessions
	refused  map[int]bool // passing ones that the sender could not send

	came     map[int]time.Time // stored ones, the last time
	returned time.Time         // when the recipient's session began, unless it is its first
	again    int               // stored ones that came in a later session once more
}

func newTalk() *talk {
	return &talk{
		stored: series{missing: map[int]bool{}}, passing: series{missing: map[int]bool{}}, received: map[int]bool{}, refused: map[int]bool{},
		came: map[int]time.Time{},
	}
}

// reading is what the recipient does with messages.
func (t *talk) reading() *client.Mux {
	var m client.Mux
	m.HandleMessage(lime.MediaText, func(_ context.Context, _ *client.Client, message *lime.Message) error {
		n, err := strconv.Atoi(strings.Trim(string(message.Content), `"`))
		if err != nil {
			return fmt.Errorf("content: %w", err)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if message.ID == "" {
			t.passing.take(n)
		} else {
			t.comes(n, time.Now())
		}
		return nil
	})
	return &m
}

// handling is how long a message may have waited for its handler, while another session began.
const handling = time.Second

// comes takes a stored one that has come. In a session that follows it may come again, since its receipt may be lost with
// the session before; in the same one it must not.
func (t *talk) comes(n int, now time.Time) {
	before, known := t.came[n]
	t.came[n] = now
	if known && t.returned.After(before.Add(-handling)) {
		t.again++
		return
	}
	t.stored.take(n)
}

// hearing is what the sender does with receipts.
func (t *talk) hearing() *client.Mux {
	var m client.Mux
	m.HandleNotification(func(_ context.Context, _ *client.Client, n *lime.Notification) {
		if number, err := strconv.Atoi(n.ID); err == nil && n.Event == lime.EventReceived {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.received[number] = true
		}
	})
	return &m
}

func (t *talk) returns(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.returned = now
}

func (t *talk) changed(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes = append(t.changes, now)
}

// write writes until ctx is done, two messages in each interval.
func (t *talk) write(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	to := t.recipient.Node()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		t.mu.Lock()
		n := t.stored.sent
		t.stored.sent++
		t.mu.Unlock()
		// What has begun is finished, whoever wants the end.
		err := t.sender.Publish(context.WithoutCancel(ctx), message(to, strconv.Itoa(n), n))
		if err != nil {
			return fmt.Errorf("message %d is not stored: %w", n, err)
		}
		if err := t.pass(to); err != nil {
			return fmt.Errorf("a message that is not stored: %w", err)
		}
	}
}

// pass sends a message that is not stored. While there is no session it is not sent, which its sender knows.
func (t *talk) pass(to lime.Node) error {
	t.mu.Lock()
	n := t.passing.sent
	t.passing.sent++
	t.sentAt = append(t.sentAt, time.Now())
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := t.sender.Send(ctx, message(to, "", n))
	if errors.Is(err, context.DeadlineExceeded) {
		t.mu.Lock()
		t.refused[n] = true
		t.mu.Unlock()
		return nil
	}
	return err
}

func message(to lime.Node, id string, n int) *lime.Message {
	return &lime.Message{ID: id, To: to, Type: lime.MediaText, Content: strconv.AppendQuote(nil, strconv.Itoa(n))}
}

// whole tells whether all stored messages have come, and their receipts.
func (t *talk) whole() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.stored.lost()) == 0 && len(t.received) == t.stored.sent
}

// moment is the time around a move in which a message that is not stored finds nobody.
const moment = 3 * time.Second

// judge tells what is wrong: stored messages come once in a session, in order and with a receipt; the others at most once, in
// order, and all but those around a move.
func (t *talk) judge() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var wrong []error
	if lost := t.stored.lost(); len(lost) > 0 || t.stored.twice+t.stored.late > 0 {
		wrong = append(wrong, fmt.Errorf("of %d stored ones %v are lost, %d came twice, %d late", t.stored.sent, lost, t.stored.twice, t.stored.late))
	}
	if n := t.stored.sent - len(t.received); n != 0 {
		wrong = append(wrong, fmt.Errorf("of %d stored ones %d have no receipt", t.stored.sent, n))
	}
	if t.passing.twice+t.passing.late > 0 {
		wrong = append(wrong, fmt.Errorf("of %d that are not stored %d came twice, %d late", t.passing.sent, t.passing.twice, t.passing.late))
	}
	for _, n := range t.passing.lost() {
		if !t.refused[n] && !t.moved(t.sentAt[n]) {
			wrong = append(wrong, fmt.Errorf("the one that is not stored, %d, was lost while both were there", n))
		}
	}
	return errors.Join(wrong...)
}

// moved tells whether one of both was about to move, or on its way, at a time.
func (t *talk) moved(at time.Time) bool {
	for _, c := range t.changes {
		if d := at.Sub(c); -moment < d && d < moment {
			return true
		}
	}
	return false
}
