package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Recorder writes a history. Its methods may be called from anywhere.
type Recorder struct {
	began time.Time

	mu  sync.Mutex
	out *bufio.Writer
	to  io.Closer
	end bool  // End was recorded: it is the last line
	err error // the first one; nothing is written after it
}

// Create makes a file, which must not exist, and the recorder that writes it.
func Create(path string) (*Recorder, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create a history: %w", err)
	}
	return NewRecorder(f), nil
}

// NewRecorder returns a recorder that writes to an empty place, and closes it.
func NewRecorder(to io.WriteCloser) *Recorder {
	return &Recorder{began: time.Now(), out: bufio.NewWriterSize(to, 1<<16), to: to}
}

// Record writes an event with the time that it is. What comes behind End is left out.
func (r *Recorder) Record(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || r.end {
		return
	}
	r.end = e.Kind == End
	e.At = time.Since(r.began)
	line, err := json.Marshal(e)
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	r.err = err
}

// Close writes what is buffered and returns the first error that there was.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.Flush(); r.err == nil {
		r.err = err
	}
	if err := r.to.Close(); r.err == nil {
		r.err = err
	}
	if r.err != nil {
		return fmt.Errorf("write the history: %w", r.err)
	}
	return nil
}
