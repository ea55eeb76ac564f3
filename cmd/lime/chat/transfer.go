package chat

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"limegrove/lime"
)

// upload begins to send a file.
func (m *model) upload(t *talk, path string) {
	l := &line{id: m.newID(), own: true, from: m.me, text: oneLine(path), at: m.now, state: "waits to be sent"}
	m.add(t, l)
	t.scroll = 0
	m.do(upload{l.id, path})
}

// fileOf is that with a number.
func (m *model) fileOf(number int) (file, bool) {
	i := slices.IndexFunc(m.files, func(f file) bool { return f.number == number })
	if i < 0 {
		return file{}, false
	}
	return m.files[i], true
}

// download begins to fetch a file.
func (m *model) download(f file, into string) {
	f.line.state = "waits to be fetched"
	m.do(download{f.number, f.link, f.from, into})
}

func (m *model) takeMoved(e moved) {
	l, doing := m.uploading(e.id), "is sent"
	if e.id == "" {
		f, ok := m.fileOf(e.number)
		if !ok {
			return
		}
		l, doing = f.line, "is fetched"
	}
	if l != nil {
		l.state, l.done, l.total = doing, e.done, e.total
	}
}

// uploading is the line of an upload.
func (m *model) uploading(id string) *line {
	t := m.own[id]
	if t == nil {
		return nil
	}
	return t.find(id, true, m.me)
}

// takeUploaded sends the link of a file that the cluster has.
func (m *model) takeUploaded(e uploaded) {
	l, t := m.uploading(e.id), m.own[e.id]
	if l == nil {
		return
	}
	l.state, l.done, l.total = "", 0, 0
	if e.err != nil {
		l.progress, l.why = failed, plain(reasonOf(e.err))
		return
	}
	to, ok := m.address(t)
	if !ok {
		l.progress, l.why = failed, "there is no connection"
		return
	}
	message := &lime.Message{
		ID: e.id, To: to, Type: lime.MediaLinkType, Content: resource(e.file.Link()), Metadata: lime.Metadata{"sent": lime.FormatTime(m.now)},
	}
	t.bytes -= len(l.text)
	l.text = m.contentOf(t, l, message)
	t.bytes += len(l.text)
	m.transmit(t, l, message)
}

func (m *model) takeFetched(e fetched) {
	f, ok := m.fileOf(e.number)
	if !ok {
		return
	}
	f.line.done, f.line.total = 0, 0
	if errors.Is(e.err, fs.ErrExist) {
		f.line.state = fmt.Sprintf("not fetched: there is a file of its name; !get %d DIRECTORY fetches it to elsewhere", e.number)
		return
	}
	if e.err != nil {
		f.line.state = "not fetched: " + oneLine(reasonOf(e.err))
		return
	}
	f.line.state = "is in " + oneLine(e.path)
	m.say("file %d is in %s", e.number, e.path)
}

// bar shows how far a transfer is, in so many cells.
func bar(done, total int64, cells int) string {
	if total <= 0 || cells < 1 {
		return ""
	}
	done = min(max(done, 0), total)
	full := int(float64(done) / float64(total) * float64(cells))
	b := make([]byte, cells)
	for i := range b {
		if b[i] = '-'; i < full {
			b[i] = '#'
		}
	}
	return fmt.Sprintf("[%s] %d%%", b, int(float64(done)/float64(total)*100))
}
