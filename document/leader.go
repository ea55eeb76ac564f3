package document

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// leaderMessage is a message as the leader of a bucket's stream has it.
type leaderMessage struct {
	Sequence uint64    `json:"seq"`
	Header   []byte    `json:"hdrs"`
	Data     []byte    `json:"data"`
	Time     time.Time `json:"time"`
}

// leaderLast returns the last change of a key, or of what a key's wildcard matches, a
// removal included, as the bucket's leader has it: no change that somebody was told of
// is missing. It is zero when there never was any, or when a removal is forgotten.
//
// nats.go asks any replica wherever a bucket lets it, and buckets do.
func (b *Bucket) leaderLast(ctx context.Context, key string) (leaderMessage, error) {
	question, err := json.Marshal(map[string]string{"last_by_subj": b.prefix + key})
	if err != nil {
		return leaderMessage{}, err
	}
	msg, err := b.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+b.stream, question)
	if err != nil {
		return leaderMessage{}, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message leaderMessage       `json:"message"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return leaderMessage{}, err
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return leaderMessage{}, nil
	case answer.Error != nil:
		return leaderMessage{}, answer.Error
	}
	return answer.Message, nil
}

// Latest is Get as the leader answers it, for whoever decides by what was just changed. All
// Latest together cost what one server can do; for the rest there is Get.
func (b *Bucket) Latest(ctx context.Context, k Key) (Document, error) {
	m, err := b.leaderLast(ctx, string(k))
	if err != nil {
		return Document{}, err
	}
	var h nats.Header
	if len(m.Header) > 0 {
		if h, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return Document{}, err
		}
	}
	if m.Sequence == 0 || isRemoval(h) {
		return Document{}, ErrNotFound
	}
	return Document{Key: k, Revision: m.Sequence, Changed: m.Time, Value: m.Data}, nil
}

// isRemoval tells by its header whether a message says that a document was removed.
func isRemoval(h nats.Header) bool {
	return h.Get("KV-Operation") != "" || h.Get(jetstream.MarkerReasonHeader) != ""
}
