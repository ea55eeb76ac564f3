package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"limegrove/lime"
)

// Source is a file to be uploaded.
type Source struct {
	Name    string      // as people see it
	Type    string      // its media type; "" for that of the name's extension
	Size    int64       // in bytes, 1 at least
	Content io.ReaderAt // read twice: for its digest, and as it is sent. It stays the caller's
}

// mediaType is that of the source.
func (s *Source) mediaType() string {
	t := s.Type
	if t == "" {
		t = mime.TypeByExtension(filepath.Ext(s.Name))
	}
	if t, _, err := mime.ParseMediaType(t); err == nil {
		return t
	}
	return "application/octet-stream"
}

// UploadFile is Upload of a file of this machine.
func (t *Transfers) UploadFile(ctx context.Context, path string) (lime.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return lime.File{}, fmt.Errorf("upload: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return lime.File{}, fmt.Errorf("upload: %w", err)
	}
	if !info.Mode().IsRegular() {
		return lime.File{}, fmt.Errorf("upload: %s is no regular file", path)
	}
	return t.Upload(ctx, Source{Name: filepath.Base(path), Size: info.Size(), Content: f})
}

// Upload announces and uploads a file, and returns what the server keeps: its Link is what to send. When it fails after it was
// announced, the file that is returned has an ID, with which Resume goes on. An error matches *lime.Reason, which
// refuses the announcement, or *StatusError, or is what failed last.
func (t *Transfers) Upload(ctx context.Context, s Source) (lime.File, error) {
	sum, err := digest(ctx, s.Content, s.Size)
	if err != nil {
		return lime.File{}, fmt.Errorf("upload %s: %w", s.Name, err)
	}
	f, err := t.ask(ctx, lime.MethodSet, "/files", &lime.File{Name: s.Name, Type: s.mediaType(), Size: s.Size, SHA256: hex.EncodeToString(sum)})
	if err != nil {
		return lime.File{}, fmt.Errorf("announce %s: %w", s.Name, err)
	}
	return t.send(ctx, f, s)
}

// Resume goes on with an upload that was announced before, in this process or another: the content has to be the same.
func (t *Transfers) Resume(ctx context.Context, id string, s Source) (lime.File, error) {
	f, err := t.ask(ctx, lime.MethodGet, "/files/"+id, nil)
	if err != nil {
		return lime.File{ID: id}, fmt.Errorf("resume %s: %w", s.Name, err)
	}
	if f.Size != s.Size {
		return f, fmt.Errorf("resume %s: it has %d bytes, and %d were announced", s.Name, s.Size, f.Size)
	}
	if f.Complete {
		t.cfg.Progress(f.Size, f.Size)
		return f, nil
	}
	return t.send(ctx, f, s)
}

// digest is SHA-256 of a content.
func digest(ctx context.Context, content io.ReaderAt, size int64) ([]byte, error) {
	h := sha256.New()
	n, err := io.Copy(h, reading{ctx, io.NewSectionReader(content, 0, size)})
	if err == nil && n != size {
		err = fmt.Errorf("it has %d bytes, not %d", n, size)
	}
	return h.Sum(nil), err
}

// reading ends with its context.
type reading struct {
	ctx context.Context
	r   io.Reader
}

// Read is that of io.Reader.
func (r reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// ask asks the server about a file.
func (t *Transfers) ask(ctx context.Context, method lime.Method, uri string, about *lime.File) (f lime.File, err error) {
	if t.session == nil {
		return f, errors.New("there is no session")
	}
	q := &lime.Command{Method: method, URI: uri}
	if about != nil {
		q.Type = lime.MediaFile
		if q.Resource, err = json.Marshal(about); err != nil {
			return f, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.IdleTimeout) // a session that is lost waits for the next one
	defer cancel()
	answer, err := t.session.Command(ctx, q)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(answer.Resource, &f); err != nil {
		return f, fmt.Errorf("the server's answer: %w", err)
	}
	return f, nil
}

// send uploads an announced file until the server has all of it, and returns that.
func (t *Transfers) send(ctx context.Context, f lime.File, s Source) (lime.File, error) {
	p := patience{cfg: &t.cfg}
	reached := int64(-1) // what the server was known to have
	for {
		err := t.sendOnce(ctx, &f, s, func(has int64) {
			if has > reached {
				reached = has
				p.progress()
				t.cfg.Progress(has, f.Size)
			}
		})
		if err == nil {
			break
		}
		var status *StatusError
		switch {
		case errors.As(err, &status) && status.Status == http.StatusUnauthorized:
			if err = p.wait(ctx, err); err == nil {
				err = t.renew(ctx, &f)
			}
		case lasting(err), errors.Is(err, errSource):
		default:
			err = p.wait(ctx, err)
		}
		if err != nil {
			return f, fmt.Errorf("upload %s: %w", s.Name, err)
		}
	}
	for {
		done, err := t.ask(ctx, lime.MethodGet, "/files/"+f.ID, nil)
		if err == nil {
			return done, nil
		}
		if lime.AsReason(err) == nil {
			err = p.wait(ctx, err)
		}
		if err != nil {
			return f, fmt.Errorf("upload %s: it is complete: %w", s.Name, err)
		}
	}
}

// renew asks for another token. That it cannot be asked for now is no end.
func (t *Transfers) renew(ctx context.Context, f *lime.File) error {
	with, err := t.ask(ctx, lime.MethodGet, "/files/"+f.ID, nil)
	switch {
	case err == nil:
		*f = with
		return nil
	case lime.AsReason(err) != nil:
		return err
	}
	return ctx.Err()
}

// errSource matches what the source says: trying again would not help.
var errSource = errors.New("the content cannot be read")

// sendOnce asks where the upload stands and sends the rest. has is told what the server has.
func (t *Transfers) sendOnce(ctx context.Context, f *lime.File, s Source, has func(int64)) error {
	if f.Upload == nil { // it became complete while a token was asked for
		has(f.Size)
		return nil
	}
	at, err := t.tus(ctx, f, http.MethodHead, -1, nil)
	if err != nil {
		return err
	}
	has(at)
	for at < f.Size {
		content := &sent{r: io.NewSectionReader(s.Content, at, f.Size-at)}
		next, err := t.tus(ctx, f, http.MethodPatch, at, content)
		if failed := content.end(); failed != nil {
			return fmt.Errorf("%w: %w", errSource, failed)
		}
		if err != nil {
			return err
		}
		if next <= at {
			return fmt.Errorf("the server stands at %d after %d", next, at)
		}
		at = next
		has(at)
	}
	return nil
}

// sent is what is being sent. A transport may still read it when its request has failed.
type sent struct {
	moved func(n int)

	mu     sync.Mutex
	r      *io.SectionReader
	over   bool
	failed error
}

// Read is that of io.Reader.
func (s *sent) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, io.ErrClosedPipe
	}
	n, err := s.r.Read(b)
	if n > 0 {
		s.moved(n)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed = err
	}
	return n, err
}

// end has it be read no more, and returns what its source has failed with.
func (s *sent) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.failed
}

// tus makes one request, and returns where the upload stands behind it.
func (t *Transfers) tus(ctx context.Context, f *lime.File, method string, at int64, content *sent) (int64, error) {
	guarded, moved, end := t.guard(ctx)
	defer end()
	var body io.Reader
	if content != nil {
		done := at
		content.moved = func(n int) {
			moved()
			done += int64(n)
			t.cfg.Progress(done, f.Size)
		}
		body = content
	}
	r, err := http.NewRequestWithContext(guarded, method, f.Upload.URI, body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Tus-Resumable", "1.0.0")
	r.Header.Set("Authorization", "Bearer "+f.Upload.Token)
	if content != nil {
		r.ContentLength = content.r.Size()
		r.Header.Set("Content-Type", "application/offset+octet-stream")
		r.Header.Set("Upload-Offset", strconv.FormatInt(at, 10))
	}
	answer, err := t.http.Do(r)
	if err != nil {
		if cause := context.Cause(guarded); cause != nil {
			err = errors.Join(cause, err)
		}
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10) // so that the connection may be used again
	if answer.StatusCode/100 != 2 {
		return 0, &StatusError{answer.StatusCode}
	}
	stands, err := strconv.ParseInt(answer.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || stands < 0 || stands > f.Size {
		return 0, errors.New("the server does not say where the upload stands")
	}
	return stands, nil
}
