package main

import (
	"encoding/json"
	"io"

	"github.com/takenet/lime-go"
)

// words reads along what comes over a connection, for the session's last word: lime-go
// keeps one that comes unasked to itself, but for the state.
type words struct {
	pipe *io.PipeWriter
	done chan struct{} // closed when all is read

	last json.RawMessage // the last session envelope; to be read after Close
}

func newWords() *words {
	r, w := io.Pipe()
	words := &words{pipe: w, done: make(chan struct{})}
	go words.read(r)
	return words
}

func (w *words) read(from io.Reader) {
	defer close(w.done)
	for envelopes := json.NewDecoder(from); ; {
		var raw json.RawMessage
		if envelopes.Decode(&raw) != nil {
			_, _ = io.Copy(io.Discard, from) // lime-go waits for who reads along
			return
		}
		var e struct{ State string }
		if json.Unmarshal(raw, &e) == nil && e.State != "" {
			w.last = raw
		}
	}
}

// SendWriter is for what is sent. lime.TraceWriter.
func (w *words) SendWriter() *io.Writer {
	discard := io.Discard
	return &discard
}

// ReceiveWriter is for what is received. lime.TraceWriter.
func (w *words) ReceiveWriter() *io.Writer {
	var to io.Writer = w.pipe
	return &to
}

// Close ends the reading, when all is read. It may be called twice. lime.TraceWriter.
func (w *words) Close() error {
	err := w.pipe.Close()
	<-w.done
	return err
}

var _ lime.TraceWriter = (*words)(nil)
