package files

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"limegrove/lime"
)

// ID names a file: 26 letters and digits, of which nobody can guess one.
type ID string

func newID() ID { return ID(rand.Text()) }

// ParseID returns the id that s is; it is not ok when none looks so.
func ParseID(s string) (id ID, ok bool) {
	if len(s) != 26 {
		return "", false
	}
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return "", false
		}
	}
	return ID(s), true
}

// Announcement is what is said of a file before it comes.
type Announcement struct {
	Name string // as people see it; at most 255 bytes
	Type string // its media type; "" is application/octet-stream
	Size int64  // in bytes, 1 at least
	// SHA256 is the digest that the file must have in the end, 32 bytes. Empty for whatever
	// it has.
	SHA256 []byte
}

const (
	maxName = 255
	maxType = 255

	defaultType = "application/octet-stream"
)

// check refuses what no file can be. Its errors are for whoever announces it.
func (a *Announcement) check(maxSize int64) error {
	if a.Type == "" {
		a.Type = defaultType
	}
	_, typeErr := lime.ParseMediaType(a.Type)
	switch {
	case a.Name == "" || len(a.Name) > maxName || !utf8.ValidString(a.Name) || strings.ContainsFunc(a.Name, isControl):
		return bad("A file's name has 1 to %d bytes, and no control characters", maxName)
	case typeErr != nil || len(a.Type) > maxType || strings.ContainsFunc(a.Type, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"();,\`, r) }):
		return bad("The file's type is no media type")
	case a.Size < 1:
		return bad("A file has one byte or more")
	case a.Size > maxSize:
		return lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "A file has %d bytes at most", maxSize)
	case len(a.SHA256) != 0 && len(a.SHA256) != digestSize:
		return bad("A file's sha256 has %d bytes, in hexadecimal", digestSize)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }

func bad(format string, args ...any) error {
	return lime.NewReason(lime.CodeCommandInvalidArgument, format, args...)
}

// File is what is known of one.
type File struct {
	ID ID
	Announcement
	Owner    lime.Identity
	Created  time.Time
	Expires  time.Time // when it is removed, or, while it is not complete, given up
	Complete bool      // then SHA256 is there
	marks    marks     // of a complete one
}

// record is a File as it is stored.
type record struct {
	Owner    lime.Identity `json:"owner"`
	Name     string        `json:"name"`
	Type     string        `json:"type"`
	Size     int64         `json:"size"`
	SHA256   string        `json:"sha256,omitempty"`
	Created  int64         `json:"created"` // milliseconds since 1970
	Expires  int64         `json:"expires"`
	Complete bool          `json:"complete,omitempty"`
	Marks    string        `json:"marks,omitempty"`
}

func (f *File) record() ([]byte, error) {
	return lime.MarshalJSON(record{
		Owner: f.Owner, Name: f.Name, Type: f.Type, Size: f.Size, SHA256: hex.EncodeToString(f.SHA256),
		Created: f.Created.UnixMilli(), Expires: f.Expires.UnixMilli(), Complete: f.Complete, Marks: f.marks.text(),
	})
}

func parseFile(id ID, text []byte) (f File, err error) {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return f, fmt.Errorf("description of file %s: %w", id, err)
	}
	f = File{
		ID: id, Owner: r.Owner, Created: time.UnixMilli(r.Created), Expires: time.UnixMilli(r.Expires), Complete: r.Complete,
		Announcement: Announcement{Name: r.Name, Type: r.Type, Size: r.Size},
	}
	if f.SHA256, err = hex.DecodeString(r.SHA256); err == nil {
		f.marks, err = parseMarks(r.Marks)
	}
	if err != nil {
		return f, fmt.Errorf("description of file %s: %w", id, err)
	}
	return f, nil
}

// share is what an owner's small document says of a file.
type share struct {
	Size    int64 `json:"size"`
	Expires int64 `json:"expires"` // milliseconds since 1970
}

func (f *File) share() ([]byte, error) { return json.Marshal(share{f.Size, f.Expires.UnixMilli()}) }
