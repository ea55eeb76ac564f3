package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"limegrove/lime"
)

// Directory is where files are fetched to. Any goroutine may use it.
type Directory struct {
	// Overwrite has a file take the place of an existing one of its name. Otherwise such a download ends with
	// an error that matches fs.ErrExist.
	Overwrite bool

	root     *os.Root
	template []string
}

// OpenDirectory opens a directory, which is made when it is missing. template says in which folder below
// it a file comes, as folders with slashes between: {type} is the first part of its media type, {subtype} the second, {from}
// the identity of who has sent it, and {domain} and {name} the parts of that; "" is the directory itself.
func OpenDirectory(dir, template string) (*Directory, error) {
	d := &Directory{}
	if template != "" {
		d.template = strings.Split(strings.Trim(template, "/"), "/")
	}
	for _, part := range d.template {
		if left := known.Replace(part); strings.ContainsAny(left, "{}") || part == "" || part == "." || part == ".." {
			return nil, fmt.Errorf("directory %s: %q is nothing that a template has", dir, part)
		}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	var err error
	d.root, err = os.OpenRoot(dir)
	return d, err
}

var known = strings.NewReplacer("{type}", "", "{subtype}", "", "{from}", "", "{domain}", "", "{name}", "")

// Close closes it. What is being fetched into it fails.
func (d *Directory) Close() error { return d.root.Close() }

// place is where a file comes, below the directory.
func (d *Directory) place(name, mediaType string, from lime.Identity) string {
	t, err := lime.ParseMediaType(mediaType)
	if err != nil {
		t = lime.MediaType{Type: "application", Subtype: "octet-stream"}
	}
	subtype := t.Subtype
	if t.Suffix != "" {
		subtype += "+" + t.Suffix
	}
	fill := strings.NewReplacer("{type}", strings.ToLower(t.Type), "{subtype}", strings.ToLower(subtype),
		"{from}", from.String(), "{domain}", from.Domain, "{name}", from.Name)
	parts := make([]string, 0, len(d.template)+1)
	for _, one := range d.template {
		parts = append(parts, element(fill.Replace(one)))
	}
	return path.Join(append(parts, element(name))...)
}

// maxElement is how many bytes the name of a file has; systems have 255, and a number may come.
const maxElement = 200

// element makes of what others say one element of a path, which no system takes for anything else.
func element(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || r == utf8.RuneError || strings.ContainsRune(`/\:*?"<>|`, r):
			return '_'
		case r >= 0x80 && r < 0xa0, r >= 0x200e && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '_' // what turns letters around hides the end of a name
		}
		return r
	}, s)
	for len(s) > maxElement { // what is at the end says what it is
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	s = strings.TrimRight(s, ". ")
	if strings.HasPrefix(s, ".") || s == "" {
		s = "_" + s
	}
	stem, _, _ := strings.Cut(s, ".")
	switch upper := strings.ToUpper(strings.TrimSpace(stem)); {
	case upper == "CON", upper == "PRN", upper == "AUX", upper == "NUL",
		len(upper) == 4 && (strings.HasPrefix(upper, "COM") || strings.HasPrefix(upper, "LPT")):
		s = "_" + s
	}
	return s
}

// taken tells whether a file may not come to a place, because another is there.
func (d *Directory) taken(place string) error {
	_, err := d.root.Lstat(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case d.Overwrite:
		return nil
	}
	return &fs.PathError{Op: "fetch", Path: place, Err: fs.ErrExist}
}

// settle gives a whole file its name.
func (d *Directory) settle(part, place string) error {
	if d.Overwrite {
		return d.root.Rename(part, place)
	}
	// A link is never made over a file, whoever else makes one at the same moment.
	err := d.root.Link(part, place)
	if err == nil {
		return d.root.Remove(part)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if taken := d.taken(place); taken != nil { // of a file system without links
		return taken
	}
	return d.root.Rename(part, place)
}
