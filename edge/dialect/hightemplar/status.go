package hightemplar

import (
	"encoding/json"
	"time"
)

// Status is what a client is told of the process: H-31.
type Status struct {
	Connections int       // that were let in
	Rooms       int       // that somebody has subscribed to
	Since       time.Time // when it began
	Triggers    int64     // taken from the queue
	Sent        int64     // copies of what was published
	Failed      int64     // those that a client had no room for
}

// online is the layout of the original: local time, without its zone.
const online = "2006-01-02T15:04:05.000000"

// AppendStatus appends the answer to a request for it.
func (s *Status) AppendStatus(dst []byte) ([]byte, error) {
	b, err := json.Marshal(struct {
		Connections int    `json:"open_connections"`
		Rooms       int    `json:"num_rooms"`
		Since       string `json:"online_since"`
		Triggers    int64  `json:"rabbitmq_messages_received"`
		Received    int64  `json:"ws_messages_received"` // always 0, as in the original
		Sent        int64  `json:"ws_messages_send"`
		Failed      int64  `json:"ws_messages_send_error"`
		Queued      int64  `json:"ws_messages_send_queued"`
	}{s.Connections, s.Rooms, s.Since.Format(online), s.Triggers, 0, s.Sent, s.Failed, 0})
	return append(dst, b...), err
}
