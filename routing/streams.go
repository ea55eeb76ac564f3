package routing

import (
	"context"

	"limegrove/routing/delivery"
	"limegrove/routing/stream"
)

// Streams is what hubs need of the log and the inbox. It is called from many goroutines
// at once, and what it returns is the caller's. A call that gets no answer ends with ctx.
type Streams interface {
	// Partitions is how many there are, 1 at least; it never changes.
	Partitions() int
	// LogName names the present log of a partition; one that is made anew has another.
	LogName(p int) string
	// Suspect says that a stream of a partition may be gone, since nobody answers for it.
	// It does not block.
	Suspect(p int)
	// ReadLog and ReadInbox return messages of one subject, in order, from a sequence of
	// the stream on: at most limit, and no more behind the one that makes maxBytes full.
	ReadLog(ctx context.Context, p int, subject string, from uint64, limit, maxBytes int) (stream.Page, error)
	ReadInbox(ctx context.Context, p int, subject string, from uint64, limit, maxBytes int) (stream.Page, error)
	// LastLog and LastInbox return the last sequence of each subject that has any, and
	// that of the whole stream, as the replica has them that answers.
	LastLog(ctx context.Context, p int, subjects []string) (last map[string]uint64, through uint64, err error)
	LastInbox(ctx context.Context, p int, subjects []string) (last map[string]uint64, through uint64, err error)
	// InboxLimit is how many messages may wait for one identity. Waiting is about how many
	// there are in the inbox, and Logged in the log from a sequence on; a subject may have
	// a wildcard.
	InboxLimit() int
	Waiting(ctx context.Context, p int, subject string) (int, error)
	Logged(ctx context.Context, p int, subject string, from uint64) (int, error)
	// Delete removes a message from the inbox; one that is gone is no error.
	Delete(ctx context.Context, p int, sequence uint64) error
}

// logPage reads a page of the log as package delivery wants to see it.
func logPage(ctx context.Context, s Streams, p int, subject string, from uint64, limit int) (delivery.Page, error) {
	page, err := s.ReadLog(ctx, p, subject, from, limit, readBytes)
	return pageOf(page, false), err
}

// inboxPage is logPage for the inbox.
func inboxPage(ctx context.Context, s Streams, p int, subject string, from uint64, limit int) (delivery.Page, error) {
	page, err := s.ReadInbox(ctx, p, subject, from, limit, readBytes)
	return pageOf(page, true), err
}

func pageOf(page stream.Page, inbox bool) delivery.Page {
	d := delivery.Page{Through: page.Through, More: page.More, Messages: make([]delivery.Message, len(page.Messages))}
	for i := range page.Messages {
		m := &page.Messages[i]
		d.Messages[i] = delivery.Message{Position: m.Position, Data: m.Data, Origin: first(m.Header, stream.OriginHeader)}
		if inbox {
			d.Messages[i].Inbox = m.Sequence
		}
	}
	return d
}
