package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"limegrove/internal/filelock"
	"limegrove/lime"
)

// Fetched is a file that has come.
type Fetched struct {
	Path     string // with that of the directory
	Size     int64
	SHA256   []byte
	Verified bool // the server has said this digest
}

// The errors of Download that callers branch on, beside fs.ErrExist, ErrNotAllowed and *StatusError.
var (
	// ErrDigest says that what has come is not what the server says that it is. Nothing of it is kept.
	ErrDigest = errors.New("the file has another SHA-256 than the server says")
	// ErrTooLong says that the file has more than Config.MaxSize bytes.
	ErrTooLong = errors.New("the file is too long")
	// ErrInUse says that another Download fetches the same file into the same directory. Systems without flock(2) do not tell.
	ErrInUse = errors.New("another download fetches the same file there")
)

// Download fetches what a link leads to into a directory, and goes on from where it stands when a
// connection breaks, as often as Config.Tries without progress. from is who has sent the link.
func (t *Transfers) Download(ctx context.Context, link lime.MediaLink, from lime.Identity, into *Directory) (Fetched, error) {
	got, err := t.download(ctx, link, from, into)
	if err != nil {
		return got, fmt.Errorf("download: %w", err)
	}
	return got, nil
}

func (t *Transfers) download(ctx context.Context, link lime.MediaLink, from lime.Identity, into *Directory) (got Fetched, err error) {
	u, err := url.Parse(link.URI)
	if err != nil {
		return got, fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	if err := t.allowed(u); err != nil {
		return got, err
	}
	p := patience{cfg: &t.cfg}
	var file offered
	for {
		if file, err = t.offer(ctx, link, u); err == nil {
			break
		}
		if lasting(err) || errors.Is(err, ErrNotAllowed) {
			return got, err
		}
		if err := p.wait(ctx, err); err != nil {
			return got, err
		}
	}
	if file.size > t.cfg.MaxSize {
		return got, ErrTooLong
	}
	place := into.place(file.name, file.mediaType, from)
	if err := into.taken(place); err != nil {
		return got, err
	}
	if dir := path.Dir(place); dir != "." {
		if err := into.root.MkdirAll(dir, 0o750); err != nil {
			return got, err
		}
	}
	part, err := t.openPart(ctx, into, path.Join(path.Dir(place), file.partName(link.URI)), &file)
	if err != nil {
		return got, err
	}
	defer part.f.Close()
	for {
		before := part.size
		err := t.fetch(ctx, u, &file, part)
		if err == nil {
			break
		}
		if part.size > before {
			p.progress()
		}
		if lasting(err) || errors.Is(err, errPart) || errors.Is(err, ErrTooLong) {
			return got, err
		}
		if err := p.wait(ctx, err); err != nil {
			return got, err
		}
	}
	got = Fetched{Size: part.size, SHA256: part.sum.Sum(nil), Verified: len(file.digest) > 0}
	if got.Verified && !bytes.Equal(file.digest, got.SHA256) {
		return Fetched{}, errors.Join(ErrDigest, into.root.Remove(part.name))
	}
	if err := part.f.Sync(); err != nil {
		return Fetched{}, err
	}
	if place, err = into.settle(part.name, place); err != nil {
		return Fetched{}, err
	}
	got.Path = filepath.Join(into.root.Name(), filepath.FromSlash(place))
	return got, nil
}

// offered is what a server says of a file before it gives it.
type offered struct {
	name, mediaType string
	size            int64  // less than 0 when it is not told
	tag             string // a strong one; "" for none
	digest          []byte // nil for none
}

// partName is that of the file into which it comes: the same for the same file alone.
func (o *offered) partName(uri string) string {
	sum := sha256.Sum256([]byte(uri + "\n" + o.tag))
	return "." + hex.EncodeToString(sum[:12]) + ".part"
}

// offer asks what there is.
func (t *Transfers) offer(ctx context.Context, link lime.MediaLink, u *url.URL) (o offered, err error) {
	guarded, _, end := t.guard(ctx)
	defer end()
	answer, err := t.get(guarded, http.MethodHead, u, nil)
	if err != nil {
		return o, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return o, &StatusError{answer.StatusCode}
	}
	o = offered{name: link.Title, mediaType: link.Type, size: answer.ContentLength}
	_, params, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
	if err == nil && params["filename"] != "" {
		o.name = params["filename"]
	}
	if o.name == "" {
		o.name = path.Base(u.Path)
	}
	if o.mediaType == "" {
		o.mediaType, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	}
	if tag := answer.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		o.tag = tag
	}
	for one := range strings.SplitSeq(answer.Header.Get("Repr-Digest"), ",") {
		text, ok := strings.CutPrefix(strings.TrimSpace(one), "sha-256=:")
		if text, ends := strings.CutSuffix(text, ":"); ok && ends {
			if b, err := base64.StdEncoding.DecodeString(text); err == nil && len(b) == sha256.Size {
				o.digest = b
			}
		}
	}
	return o, nil
}

func (t *Transfers) get(ctx context.Context, method string, u *url.URL, header map[string]string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "identity") // ranges and digests are of the file as it is
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := t.http.Do(r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = errors.Join(cause, err)
		}
		return nil, err
	}
	return answer, nil
}

// part is a file that is not whole.
type part struct {
	f    *os.File
	name string
	size int64
	sum  hash.Hash // of what there is
}

// errPart matches trouble with the file on this machine.
var errPart = errors.New("the file cannot be kept")

// openPart opens one, with what is there of it, for as long as it is open alone.
func (t *Transfers) openPart(ctx context.Context, into *Directory, name string, o *offered) (*part, error) {
	f, err := takePart(into.root, name)
	if err != nil {
		return nil, err
	}
	p := &part{f: f, name: name, sum: sha256.New()}
	if o.tag == "" {
		err = p.again() // whether it is the same nobody can say
	} else {
		_, err = io.Copy(p.sum, &arriving{r: reading{ctx, f}, moved: func(n int) { // a gigabyte takes seconds
			p.size += int64(n)
			t.cfg.Progress(p.size, o.size)
		}})
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// takePart opens a file, which it makes where it is missing, that nobody else in this process or another has taken until it is closed. Where the
// system or the file system has no locks, nobody is kept from it.
func takePart(root *os.Root, name string) (*os.File, error) {
	for {
		f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		err = filelock.Lock(f)
		if errors.Is(err, errors.ErrUnsupported) {
			return f, nil
		}
		var is, was os.FileInfo
		if err == nil {
			is, err = f.Stat()
		}
		if err == nil {
			if was, err = root.Lstat(name); err == nil && os.SameFile(is, was) {
				return f, nil
			}
		}
		f.Close()
		switch {
		case errors.Is(err, filelock.ErrTaken):
			return nil, ErrInUse
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		} // who had it has given it its name, or removed it, in between
	}
}

// again forgets what there is.
func (p *part) again() error {
	p.size = 0
	p.sum.Reset()
	_, err := p.f.Seek(0, io.SeekStart)
	if err == nil {
		err = p.f.Truncate(0)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errPart, err)
	}
	return nil
}

// Write adds to it.
func (p *part) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.size += int64(n)
	_, _ = p.sum.Write(b[:n]) // it never fails
	if err != nil {
		err = fmt.Errorf("%w: %w", errPart, err)
	}
	return n, err
}

// fetch makes one request for the rest of a file.
func (t *Transfers) fetch(ctx context.Context, u *url.URL, o *offered, p *part) error {
	if o.tag == "" || p.size > o.size { // what a try has left that has broken
		if err := p.again(); err != nil {
			return err
		}
	}
	if p.size > 0 && p.size == o.size {
		return nil
	}
	guarded, moved, end := t.guard(ctx)
	defer end()
	header := map[string]string{}
	if p.size > 0 {
		header["Range"] = "bytes=" + strconv.FormatInt(p.size, 10) + "-"
		header["If-Range"] = o.tag
	}
	answer, err := t.get(guarded, http.MethodGet, u, header)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusPartialContent && p.size > 0:
		if !strings.HasPrefix(answer.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(p.size, 10)+"-") {
			return errors.New("the server gives another part than was asked for")
		}
	case answer.StatusCode == http.StatusOK:
		if err := p.again(); err != nil {
			return err
		}
	default:
		return &StatusError{answer.StatusCode}
	}
	total := o.size
	if total < 0 {
		total = t.cfg.MaxSize
	}
	body := &arriving{r: answer.Body, moved: func(int) {
		moved()
		t.cfg.Progress(p.size, o.size)
	}}
	// One byte more than there may be tells that there is more.
	if _, err := io.Copy(p, io.LimitReader(body, total-p.size+1)); err != nil {
		if cause := context.Cause(guarded); cause != nil {
			err = errors.Join(cause, err)
		}
		return err
	}
	switch {
	case p.size > total:
		return errors.Join(ErrTooLong, p.again())
	case o.size >= 0 && p.size < o.size:
		return io.ErrUnexpectedEOF
	}
	t.cfg.Progress(p.size, o.size)
	return nil
}

// arriving tells that something comes.
type arriving struct {
	r     io.Reader
	moved func(n int)
}

// Read is that of io.Reader.
func (a *arriving) Read(b []byte) (int, error) {
	n, err := a.r.Read(b)
	if n > 0 {
		a.moved(n)
	}
	return n, err
}
