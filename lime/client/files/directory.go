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

	// Rename has a file whose name is taken come under the next free one, such as "cat (2).png". Overwrite goes before it.
	Rename bool

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
	case d.Overwrite, d.Rename:
		return nil
	}
	return &fs.PathError{Op: "fetch", Path: place, Err: fs.ErrExist}
}

// maxNamesakes is how many files there may be of one name until there is no other one for the next.
const maxNamesakes = 1000

// settle gives a whole file its name, or with Rename the first free one after it, and returns where it is.
func (d *Directory) settle(part, place string) (string, error) {
	at := place
	for n := 2; ; n++ {
		err := d.settleAt(part, at)
		if !d.Rename || n > maxNamesakes || !errors.Is(err, fs.ErrExist) {
			return at, err
		}
		at = namesake(place, n)
	}
}

// namesake is the nth place beside one: a (2).txt.
func namesake(place string, n int) string {
	dir, name := path.Split(place)
	ext := path.Ext(name)
	return fmt.Sprintf("%s%s (%d)%s", dir, strings.TrimSuffix(name, ext), n, ext)
}

// settleAt gives a whole file this name.
func (d *Directory) settleAt(part, place string) error {
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
	if _, err := d.root.Lstat(place); err == nil { // of a file system without links
		return &fs.PathError{Op: "fetch", Path: place, Err: fs.ErrExist}
	}
	return d.root.Rename(part, place)
}
